#include "daemons/storaged/root-composer.h"

#include <algorithm>

#include "daemons/common/base/log.h"
#include "daemons/storaged/worker-answer.h"

namespace bulkhead::storaged {
namespace {

// Half a terabyte copied at 300 MB/s; a worker that takes longer is hostile or stuck.
constexpr auto composeLimit = 30 * kj::MINUTES;

// Layers that stay for as long as this lives.
class Held {
 public:
  Held(LayerGarbage& garbage, std::vector<LayerName> layers) : garbage_(garbage), layers_(std::move(layers)) {
    garbage_.hold(layers_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() noexcept(false) {
    garbage_.release(layers_);
    (void)garbage_.collect();  // their image may have gone meanwhile
  }

 private:
  LayerGarbage& garbage_;
  std::vector<LayerName> layers_;
};

// A tree's directory until the index names it.
class Unnamed {
 public:
  Unnamed(Trash& trash, LayerName name) : trash_(trash), name_(std::move(name)) {}
  Unnamed(const Unnamed&) = delete;
  Unnamed& operator=(const Unnamed&) = delete;
  ~Unnamed() noexcept(false) {
    if (named_) return;
    trash_.discard(Store::Place::staging, name_.text());
    trash_.discard(Store::Place::layers, name_.text());
  }
  void keep() { named_ = true; }

 private:
  Trash& trash_;
  LayerName name_;
  bool named_ = false;
};

}  // namespace

kj::Promise<Outcome<void>> RootComposer::compose(const ContainerId& container, const ImageId& image,
                                                 std::vector<LayerName> layers) {
  std::reverse(layers.begin(), layers.end());  // base first
  auto held = kj::heap<Held>(parts_.garbage, layers);
  if (parts_.driver == Driver::vfs) return fill(container, std::nullopt, layers).attach(kj::mv(held));
  auto composed = treeOf(image, layers).then([this, container](Tree&& tree) -> kj::Promise<Outcome<void>> {
    if (!tree) return Outcome<void>(tl::unexpected(tree.error()));
    auto kept = kj::heap<Held>(parts_.garbage, std::vector{*tree});
    return fill(container, *tree, {}).attach(kj::mv(kept));
  });
  return composed.attach(kj::mv(held));
}

kj::Promise<Outcome<void>> RootComposer::fill(const ContainerId& container,
                                              const std::optional<LayerName>& onto,
                                              const std::vector<LayerName>& layers) {
  return turns_.take().then([this, container, onto, layers](Turnstile::Place&& turn) {
    auto answer =
        awaitAnswer(parts_.offLoop, parts_.timer, parts_.zygote.composeRoot(container, onto, layers),
                    Answer::COMPOSED, composeLimit);
    auto done = answer.then([](Outcome<ipc::Packet>&& composed) -> Outcome<void> {
      if (!composed) return tl::unexpected(composed.error());
      return {};
    });
    return done.attach(kj::mv(turn));
  });
}

// Many containers of a new image may come at once: one tree is made, and goes on being made when the first
// that asked has left.
kj::Promise<RootComposer::Tree> RootComposer::treeOf(const ImageId& image,
                                                     const std::vector<LayerName>& layers) {
  if (auto there = parts_.index.treeOf(image)) return Tree(*std::move(there));
  auto making = making_.find(image);
  if (making == making_.end()) {
    auto held = kj::heap<Held>(parts_.garbage, layers);
    auto made = turns_.take().then([this, image, layers](Turnstile::Place&& turn) {
      return makeTree(image, layers).attach(kj::mv(turn));
    });
    making = making_.emplace(image, made.attach(kj::mv(held)).fork()).first;
    auto ended = making->second.addBranch().then([this, image](Tree&&) { making_.erase(image); },
                                                 [this, image](kj::Exception&& exception) {
                                                   making_.erase(image);
                                                   kj::throwFatalException(kj::mv(exception));
                                                 });
    parts_.background.add(kj::mv(ended));
  }
  return making->second.addBranch();
}

kj::Promise<RootComposer::Tree> RootComposer::makeTree(const ImageId& image,
                                                       const std::vector<LayerName>& layers) {
  LayerName name = LayerName::generate();
  auto unnamed = kj::heap<Unnamed>(parts_.trash, name);
  Fd openedForSync = parts_.store.openForSync();
  parts_.store.makeStaged(name);
  // The base needs no copy: a snapshot of it is where the tree begins, if it is in this store.
  std::optional<LayerName> base;
  if (!parts_.index.isElsewhere(layers.front())) base = layers.front();
  std::vector<LayerName> rest(layers.begin() + (base ? 1 : 0), layers.end());
  auto answer = awaitAnswer(parts_.offLoop, parts_.timer, parts_.zygote.composeTree(name, base, rest),
                            Answer::COMPOSED, composeLimit);
  auto made = answer.then([this, image, name, &unnamed = *unnamed, opened = std::move(openedForSync)](
                              Outcome<ipc::Packet>&& composed) mutable -> kj::Promise<Tree> {
    if (!composed) return Tree(tl::unexpected(composed.error()));
    auto counted = composed->as<schema::WorkerResult>().getComposed();
    auto permanent =
        makePermanent({image, name, {counted.getBytes(), counted.getInodes(), 0}}, std::move(opened));
    return permanent.then([&unnamed](Tree&& tree) {
      unnamed.keep();
      return kj::mv(tree);
    });
  });
  return made.attach(kj::mv(unnamed));
}

// As an image is (image-commit.h): synced and renamed in a thread, then named.
kj::Promise<RootComposer::Tree> RootComposer::makePermanent(TreeRow tree, Fd openedForSync) {
  auto settled = parts_.offLoop.run<Size>(
      [&store = parts_.store, name = tree.name, opened = std::move(openedForSync)]() {
        Size wrapping = store.wrappingOf(name);
        store.settle({name}, opened.get());
        return wrapping;
      });
  auto named = settled.then([this, tree](Size&& wrapping) mutable {
    tree.size += wrapping;
    return parts_.writes.run<bool>([tree](Index& index) {
      index.addTree(tree);
      return true;
    });
  });
  return named.then([tree](bool) -> Tree {
    log::info("an image's tree is made", {{"image", tree.image.text()}});
    return tree.name;
  });
}

}  // namespace bulkhead::storaged
