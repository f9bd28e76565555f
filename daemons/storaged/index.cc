#include "daemons/storaged/index.h"

#include <algorithm>
#include <stdexcept>

namespace bulkhead::storaged {
namespace {

// Above those that the kubelet and administrators use: they count up from 1, from 1000, or from 2^20.
constexpr std::int64_t projectsBase = 0x42480000;

constexpr const char* schema = R"sql(
  CREATE TABLE layers(name TEXT PRIMARY KEY, diff_id TEXT NOT NULL UNIQUE, content INTEGER NOT NULL,
    bytes INTEGER NOT NULL, inodes INTEGER NOT NULL, elsewhere INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE images(id TEXT PRIMARY KEY, size INTEGER NOT NULL, user TEXT NOT NULL, created INTEGER NOT NULL,
    config BLOB NOT NULL, document BLOB NOT NULL, artifact INTEGER NOT NULL, elsewhere INTEGER NOT NULL);
  CREATE TABLE annotations(image TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY(image, key)) WITHOUT ROWID;
  CREATE TABLE manifests(digest TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY(digest, image)) WITHOUT ROWID;
  CREATE TABLE image_layers(image TEXT NOT NULL, position INTEGER NOT NULL, layer TEXT NOT NULL,
    PRIMARY KEY(image, position)) WITHOUT ROWID;
  CREATE INDEX image_layers_by_layer ON image_layers(layer);
  CREATE TABLE names(reference TEXT PRIMARY KEY, image TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX names_by_image ON names(image);
  CREATE TABLE trees(image TEXT PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    inodes INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE containers(id TEXT PRIMARY KEY, image TEXT NOT NULL, project INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX containers_by_image ON containers(image);
  CREATE TABLE container_images(container TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY(container, image))
    WITHOUT ROWID;
  CREATE INDEX container_images_by_image ON container_images(image);
  CREATE VIEW used_images(image) AS SELECT image FROM containers UNION ALL SELECT image FROM container_images;
  CREATE TABLE signatures(image TEXT NOT NULL, repository TEXT NOT NULL, position INTEGER NOT NULL,
    signature BLOB NOT NULL, PRIMARY KEY(image, repository, position));
  PRAGMA user_version = 3;
)sql";

// With the config, which can be megabytes, or without.
std::string imageColumns(const char* config) {
  return std::string("SELECT id, user, ") + config +
         ", size + (SELECT coalesce(sum(content), 0) FROM layers WHERE name IN"
         " (SELECT layer FROM image_layers WHERE image = images.id)), artifact FROM images";
}

// What the index holds was parsed before it was written; a value that no longer parses means a damaged file.
template <typename T>
T intact(Outcome<T> value) {
  if (!value) throw DatabaseError("the index is damaged: " + describe(value.error()));
  return *std::move(value);
}

LayerName layerName(const Statement& row, int column) {
  return intact(LayerName::parse(row.text(column)));
}
ImageId imageId(const Statement& row, int column) {
  return intact(ImageId::parse(row.text(column), "image"));
}

std::vector<LayerName> allLayers(Statement& rows) {
  std::vector<LayerName> names;
  while (rows.step()) names.push_back(layerName(rows, 0));
  return names;
}

}  // namespace

Index::Index(const std::string& path, Access access) : database_(path) {
  // temp_store: nothing may be written outside the store.
  database_.execute("PRAGMA temp_store = MEMORY;");
  if (access == Access::write) prepare();
  if (access == Access::read) database_.execute("PRAGMA query_only = ON;");
}

void Index::prepare() {
  database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  std::int64_t found = version();
  if (found > schemaVersion) throw std::runtime_error("the store's index was written by a newer version");
  if (found == schemaVersion) return;
  // Versions before were never released.
  if (found != 0) throw std::runtime_error("the store was made by an unreleased version: remove it");
  Transaction transaction(database_);
  database_.execute(schema);
  transaction.commit();
}

std::int64_t Index::version() const {
  Statement row(database_, "PRAGMA user_version");
  return row.step() ? row.number(0) : 0;
}

std::optional<LayerName> Index::layerOf(const Digest& diffId) const {
  Statement rows(database_, "SELECT name FROM layers WHERE diff_id = ?");
  rows.bind(diffId.text());
  if (!rows.step()) return std::nullopt;
  return layerName(rows, 0);
}

std::vector<LayerName> Index::layers() const {
  Statement rows(database_, "SELECT name FROM layers WHERE NOT elsewhere UNION ALL SELECT name FROM trees");
  return allLayers(rows);
}

std::vector<LayerName> Index::layersElsewhere() const {
  Statement rows(database_, "SELECT name FROM layers WHERE elsewhere");
  return allLayers(rows);
}

bool Index::isElsewhere(const LayerName& layer) const {
  Statement rows(database_, "SELECT 1 FROM layers WHERE elsewhere AND name = ?");
  rows.bind(layer.text());
  return rows.step();
}

std::vector<LayerName> Index::unreferencedLayers() const {
  // Rows of a removed image stay while a container is on it.
  Statement rows(database_,
                 "SELECT name FROM layers WHERE name NOT IN (SELECT layer FROM image_layers"
                 " WHERE image IN (SELECT id FROM images) OR image IN (SELECT image FROM used_images))"
                 " UNION ALL SELECT name FROM trees WHERE image NOT IN (SELECT id FROM images)");
  return allLayers(rows);
}

std::vector<LayerName> Index::forgetUnreferenced(const std::vector<LayerName>& names) {
  std::vector<LayerName> going = unreferencedLayers();
  std::erase_if(going, [&](const LayerName& name) {
    return std::find(names.begin(), names.end(), name) == names.end();
  });
  forgetLayers(going);
  return going;
}

void Index::forgetLayers(const std::vector<LayerName>& names) {
  Transaction transaction(database_);
  for (const LayerName& name : names) {
    Statement(database_, "DELETE FROM layers WHERE name = ?").bind(name.text()).run();
    Statement(database_, "DELETE FROM trees WHERE name = ?").bind(name.text()).run();
  }
  database_.execute(
      "DELETE FROM image_layers WHERE image NOT IN (SELECT id FROM images)"
      " AND image NOT IN (SELECT image FROM used_images)");
  transaction.commit();
}

bool Index::agreesWith(const ImageRow& image, const std::vector<Digest>& layers) const {
  Statement known(database_, "SELECT config FROM images WHERE id = ?");
  known.bind(image.id.text());
  if (!known.step()) return true;
  if (known.blob(0) != image.config) return false;
  Statement rows(database_,
                 "SELECT diff_id FROM image_layers JOIN layers ON layers.name = image_layers.layer"
                 " WHERE image = ? ORDER BY position");
  rows.bind(image.id.text());
  std::vector<std::string> ids;
  while (rows.step()) ids.push_back(rows.text(0));
  return std::equal(ids.begin(), ids.end(), layers.begin(), layers.end(),
                    [](const std::string& id, const Digest& layer) { return id == layer.text(); });
}

void Index::annotate(const ImageRow& image) {
  Statement(database_, "DELETE FROM annotations WHERE image = ?").bind(image.id.text()).run();
  for (const auto& [key, value] : image.annotations) {
    Statement(database_, "INSERT INTO annotations VALUES(?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(image.id.text())
        .bind(key)
        .bind(value)
        .run();
  }
}

Outcome<void> Index::commitImage(const ImageRow& image, const std::vector<LayerRow>& fresh,
                                 const std::vector<Digest>& layers, const std::vector<std::string>& names) {
  if (!agreesWith(image, layers)) {
    return refuse(Code::failedPrecondition, "image", "is stored with another meaning of the same config");
  }
  Transaction transaction(database_);
  for (const LayerRow& layer : fresh) {
    Statement(database_, "INSERT INTO layers VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(diff_id) DO NOTHING")
        .bind(layer.name.text())
        .bind(layer.diffId.text())
        .bind(static_cast<std::int64_t>(layer.size.content))
        .bind(static_cast<std::int64_t>(layer.size.bytes))
        .bind(static_cast<std::int64_t>(layer.size.inodes))
        .bind(static_cast<std::int64_t>(layer.elsewhere))
        .run();
  }
  Statement(database_,
            "INSERT INTO images VALUES(?, ?, ?, unixepoch(), ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET size = excluded.size")
      .bind(image.id.text())
      .bind(static_cast<std::int64_t>(image.documentBytes))
      .bind(image.user)
      .bindBlob(image.config)
      .bindBlob(image.document)
      .bind(static_cast<std::int64_t>(image.artifact))
      .bind(static_cast<std::int64_t>(image.elsewhere))
      .run();
  annotate(image);
  Statement(database_, "INSERT INTO manifests VALUES(?, ?) ON CONFLICT DO NOTHING")
      .bind(image.manifestDigest.text())
      .bind(image.id.text())
      .run();
  Statement(database_, "DELETE FROM image_layers WHERE image = ?").bind(image.id.text()).run();
  for (size_t position = 0; position < layers.size(); ++position) {
    auto name = layerOf(layers[position]);
    if (!name) throw std::logic_error("an image was committed without one of its layers");
    Statement(database_, "INSERT INTO image_layers VALUES(?, ?, ?)")
        .bind(image.id.text())
        .bind(static_cast<std::int64_t>(position))
        .bind(name->text())
        .run();
  }
  for (const std::string& name : names) {
    Statement(database_,
              "INSERT INTO names VALUES(?, ?) ON CONFLICT(reference) DO UPDATE SET image = excluded.image")
        .bind(name)
        .bind(image.id.text())
        .run();
  }
  recordSignatures(image.id, image.repository, image.signatures);
  transaction.commit();
  return {};
}

ImageView Index::viewOf(const Statement& row) const {
  ImageView view{.id = imageId(row, 0),
                 .user = row.text(1),
                 .config = row.blob(2),
                 .size = static_cast<std::uint64_t>(row.number(3)),
                 .artifact = row.number(4) != 0};
  Statement names(database_, "SELECT reference FROM names WHERE image = ? ORDER BY reference");
  names.bind(view.id.text());
  while (names.step()) {
    std::string name = names.text(0);
    auto& list = name.find('@') == std::string::npos ? view.tags : view.digests;
    list.push_back(std::move(name));
  }
  Statement annotations(database_, "SELECT key, value FROM annotations WHERE image = ?");
  annotations.bind(view.id.text());
  while (annotations.step()) view.annotations.emplace_back(annotations.text(0), annotations.text(1));
  return view;
}

std::optional<ImageView> Index::image(const ImageId& id) const {
  Statement rows(database_, imageColumns("config") + " WHERE id = ?");
  rows.bind(id.text());
  if (!rows.step()) return std::nullopt;
  return viewOf(rows);
}

std::string Index::document(const ImageId& id) const {
  Statement rows(database_, "SELECT document FROM images WHERE id = ?");
  rows.bind(id.text());
  return rows.step() ? rows.blob(0) : std::string();
}

std::vector<ImageView> Index::images() const {
  Statement rows(database_, imageColumns("x''") + " ORDER BY created, id");
  std::vector<ImageView> views;
  while (rows.step()) views.push_back(viewOf(rows));
  return views;
}

std::optional<ImageId> Index::imageNamed(const std::string& name) const {
  Statement rows(database_, "SELECT image FROM names WHERE reference = ?");
  rows.bind(name);
  if (!rows.step()) return std::nullopt;
  return imageId(rows, 0);
}

std::optional<ImageId> Index::imageWithManifest(const Digest& manifest, const std::string& repository) const {
  std::string prefix = repository + "@";
  Statement rows(database_,
                 "SELECT image FROM manifests WHERE digest = ?"
                 " AND image IN (SELECT image FROM names WHERE substr(reference, 1, ?) = ?)");
  rows.bind(manifest.text()).bind(static_cast<std::int64_t>(prefix.size())).bind(prefix);
  if (!rows.step()) return std::nullopt;
  return imageId(rows, 0);
}

Outcome<void> Index::removeImage(const ImageId& id) {
  if (auto container = containerOn(id))
    return refuse(Code::failedPrecondition, "image", "is in use by container " + container->text());
  if (isElsewhere(id))
    return refuse(Code::failedPrecondition, "image", "is in an additional store, which is never written");
  forgetImage(id);
  return {};
}

void Index::forgetImage(const ImageId& id) {
  Transaction transaction(database_);
  Statement(database_, "DELETE FROM names WHERE image = ?").bind(id.text()).run();
  Statement(database_, "DELETE FROM manifests WHERE image = ?").bind(id.text()).run();
  Statement(database_, "DELETE FROM annotations WHERE image = ?").bind(id.text()).run();
  Statement(database_, "DELETE FROM signatures WHERE image = ?").bind(id.text()).run();
  Statement(database_, "DELETE FROM images WHERE id = ?").bind(id.text()).run();
  transaction.commit();
}

std::vector<ImageId> Index::imagesElsewhere() const {
  Statement rows(database_, "SELECT id FROM images WHERE elsewhere");
  std::vector<ImageId> images;
  while (rows.step()) images.push_back(imageId(rows, 0));
  return images;
}

bool Index::isElsewhere(const ImageId& image) const {
  Statement rows(database_, "SELECT 1 FROM images WHERE elsewhere AND id = ?");
  rows.bind(image.text());
  return rows.step();
}

std::optional<std::vector<LayerRow>> Index::layerRowsOf(const ImageId& image) const {
  Statement rows(database_,
                 "SELECT layers.name, diff_id, bytes, inodes, content, elsewhere FROM image_layers"
                 " LEFT JOIN layers ON layers.name = image_layers.layer WHERE image = ? ORDER BY position");
  rows.bind(image.text());
  std::vector<LayerRow> layers;
  while (rows.step()) {
    if (rows.text(0).empty()) return std::nullopt;
    auto number = [&rows](int column) { return static_cast<std::uint64_t>(rows.number(column)); };
    layers.push_back({layerName(rows, 0),
                      intact(Digest::parse(rows.text(1), "diff id")),
                      {number(2), number(3), number(4)},
                      number(5) != 0});
  }
  return layers;
}

std::vector<Digest> Index::manifestsOf(const ImageId& image) const {
  Statement rows(database_, "SELECT digest FROM manifests WHERE image = ?");
  rows.bind(image.text());
  std::vector<Digest> digests;
  while (rows.step()) digests.push_back(intact(Digest::parse(rows.text(0), "manifest")));
  return digests;
}

std::vector<ImageId> Index::imagesOn(const LayerName& layer) const {
  Statement rows(
      database_,
      "SELECT DISTINCT image FROM image_layers WHERE layer = ? AND image IN (SELECT id FROM images)");
  rows.bind(layer.text());
  std::vector<ImageId> images;
  while (rows.step()) images.push_back(imageId(rows, 0));
  return images;
}

Size Index::layersTotal() const {
  Statement rows(
      database_,
      "SELECT coalesce(sum(bytes), 0), coalesce(sum(inodes), 0) FROM"
      " (SELECT bytes, inodes FROM layers WHERE NOT elsewhere UNION ALL SELECT bytes, inodes FROM trees)");
  if (!rows.step()) return {};
  return {static_cast<std::uint64_t>(rows.number(0)), static_cast<std::uint64_t>(rows.number(1))};
}

Outcome<void> Index::mayAdd(const ContainerRow& added) const {
  if (auto there = container(added.id)) {
    if (there->image == added.image && there->volumes == added.volumes) return {};
    return refuse(Code::alreadyExists, "containerId", "has a writable layer on another image");
  }
  auto stored = image(added.image);
  if (!stored) return refuse(Code::notFound, "imageId", "is not the id of a stored image");
  if (stored->artifact) return refuse(Code::failedPrecondition, "image", "is an artifact, not an image");
  for (const ImageId& volume : added.volumes) {
    if (!image(volume)) return refuse(Code::notFound, "volumes", "name an image that is not stored");
  }
  return {};
}

void Index::addTree(const TreeRow& tree) {
  Statement(database_, "INSERT INTO trees VALUES(?, ?, ?, ?) ON CONFLICT(image) DO NOTHING")
      .bind(tree.image.text())
      .bind(tree.name.text())
      .bind(static_cast<std::int64_t>(tree.size.bytes))
      .bind(static_cast<std::int64_t>(tree.size.inodes))
      .run();
}

std::optional<LayerName> Index::treeOf(const ImageId& image) const {
  Statement rows(database_, "SELECT name FROM trees WHERE image = ?");
  rows.bind(image.text());
  if (!rows.step()) return std::nullopt;
  return layerName(rows, 0);
}

void Index::addContainer(const ContainerRow& container) {
  Transaction transaction(database_);
  Statement(database_,
            "INSERT INTO containers VALUES(?, ?, (SELECT coalesce(max(project), ?) + 1 FROM containers))"
            " ON CONFLICT DO NOTHING")
      .bind(container.id.text())
      .bind(container.image.text())
      .bind(projectsBase)
      .run();
  for (const ImageId& image : container.volumes) {
    Statement(database_, "INSERT INTO container_images VALUES(?, ?) ON CONFLICT DO NOTHING")
        .bind(container.id.text())
        .bind(image.text())
        .run();
  }
  transaction.commit();
}

std::optional<ContainerRow> Index::container(const ContainerId& id) const {
  Statement rows(database_, "SELECT image, project FROM containers WHERE id = ?");
  rows.bind(id.text());
  if (!rows.step()) return std::nullopt;
  return ContainerRow{id, imageId(rows, 0), volumesOf(id), static_cast<std::uint32_t>(rows.number(1))};
}

std::set<ImageId> Index::volumesOf(const ContainerId& id) const {
  Statement rows(database_, "SELECT image FROM container_images WHERE container = ?");
  rows.bind(id.text());
  std::set<ImageId> images;
  while (rows.step()) images.insert(imageId(rows, 0));
  return images;
}

std::vector<ContainerRow> Index::containers() const {
  Statement rows(database_, "SELECT id, image, project FROM containers");
  std::vector<ContainerRow> containers;
  while (rows.step()) {
    auto id = intact(ContainerId::parse(rows.text(0), "container"));
    containers.push_back({id, imageId(rows, 1), volumesOf(id), static_cast<std::uint32_t>(rows.number(2))});
  }
  return containers;
}

void Index::removeContainer(const ContainerId& id) {
  Transaction transaction(database_);
  Statement(database_, "DELETE FROM containers WHERE id = ?").bind(id.text()).run();
  Statement(database_, "DELETE FROM container_images WHERE container = ?").bind(id.text()).run();
  transaction.commit();
}

std::optional<ContainerId> Index::containerOn(const ImageId& id) const {
  Statement rows(database_,
                 "SELECT id FROM containers WHERE image = ?1"
                 " UNION SELECT container FROM container_images WHERE image = ?1 ORDER BY 1 LIMIT 1");
  rows.bind(id.text());
  if (!rows.step()) return std::nullopt;
  return intact(ContainerId::parse(rows.text(0), "container"));
}

std::optional<std::vector<LayerName>> Index::layersOf(const ImageId& image) const {
  Statement rows(database_,
                 "SELECT layers.name FROM image_layers LEFT JOIN layers ON layers.name = image_layers.layer"
                 " WHERE image = ? ORDER BY position DESC");
  rows.bind(image.text());
  std::vector<LayerName> names;
  while (rows.step()) {
    auto name = LayerName::parse(rows.text(0));
    if (!name) return std::nullopt;
    // An image may use one layer twice, which overlayfs refuses (ELOOP). The lower occurrence shows nothing
    // that the upper one does not show again.
    if (std::find(names.begin(), names.end(), *name) == names.end()) names.push_back(*name);
  }
  if (names.empty()) return std::nullopt;
  return names;
}

}  // namespace bulkhead::storaged
