// The index's part about trust: signatures as they came, by image and repository.
#include "daemons/common/base/image-ref.h"
#include "daemons/storaged/index.h"

namespace bulkhead::storaged {

void Index::recordSignatures(const ImageId& image, const std::string& repository,
                             const std::vector<std::string>& signatures) {
  if (signatures.empty()) return;
  Statement(database_, "DELETE FROM signatures WHERE image = ? AND repository = ?")
      .bind(image.text())
      .bind(repository)
      .run();
  for (size_t position = 0; position < signatures.size(); ++position) {
    Statement(database_, "INSERT INTO signatures VALUES(?, ?, ?, ?)")
        .bind(image.text())
        .bind(repository)
        .bind(static_cast<std::int64_t>(position))
        .bindBlob(signatures[position])
        .run();
  }
}

std::vector<std::string> Index::signaturesOf(const ImageId& id, const std::string& repository) const {
  std::vector<std::string> signatures;
  Statement rows(database_,
                 "SELECT signature FROM signatures WHERE image = ? AND repository = ? ORDER BY position");
  rows.bind(id.text()).bind(repository);
  while (rows.step()) signatures.push_back(rows.blob(0));
  return signatures;
}

std::vector<TrustRow> Index::trustOf(const ImageId& id) const {
  std::vector<TrustRow> names;
  std::vector<std::string> digests;
  Statement references(database_, "SELECT reference FROM names WHERE image = ? ORDER BY reference");
  references.bind(id.text());
  while (references.step()) {
    auto name = ImageReference::parse(references.text(0), "name");
    if (!name) throw DatabaseError("the index is damaged: it holds a name that is none");
    if (name->digest()) digests.push_back(name->digest()->text());
    names.push_back({references.text(0), {}, signaturesOf(id, name->name())});
  }
  Statement manifests(database_, "SELECT digest FROM manifests WHERE image = ?");
  manifests.bind(id.text());
  while (manifests.step()) digests.push_back(manifests.text(0));
  for (TrustRow& name : names) name.digests = digests;
  return names;
}

}  // namespace bulkhead::storaged
