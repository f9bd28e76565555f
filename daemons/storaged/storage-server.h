// The door to cri (ipc/schema/storage.capnp): unpacks, calls, fills in. No decisions here.
#pragma once

#include "daemons/storaged/container-usage.h"
#include "daemons/storaged/image-store.h"
#include "daemons/storaged/user-lookup.h"
#include "daemons/storaged/writable-layer.h"
#include "ipc/schema/storage.capnp.h"

namespace bulkhead::storaged {

class StorageServer final : public schema::Storaged::Server {
 public:
  StorageServer(ImageStore& images, SignatureCheck& trust, WritableLayers& layers, ContainerUsage& usage,
                UserLookup& users, const Parts& parts)
      : images_(images), trust_(trust), layers_(layers), usage_(usage), users_(users), parts_(parts) {}

  kj::Promise<void> beginImage(BeginImageContext context) override;
  kj::Promise<void> imageStatus(ImageStatusContext context) override;
  kj::Promise<void> listImages(ListImagesContext context) override;
  kj::Promise<void> removeImage(RemoveImageContext context) override;
  kj::Promise<void> usage(UsageContext context) override;
  kj::Promise<void> layerUsage(LayerUsageContext context) override;
  kj::Promise<void> listPulls(ListPullsContext context) override;
  kj::Promise<void> createLayer(CreateLayerContext context) override;
  kj::Promise<void> removeLayer(RemoveLayerContext context) override;
  kj::Promise<void> listLayers(ListLayersContext context) override;
  kj::Promise<void> lookupUser(LookupUserContext context) override;
  kj::Promise<void> signaturesWanted(SignaturesWantedContext context) override;

 private:
  ImageStore& images_;
  SignatureCheck& trust_;
  WritableLayers& layers_;
  ContainerUsage& usage_;
  UserLookup& users_;
  const Parts& parts_;
};

}  // namespace bulkhead::storaged
