#include "daemons/imaged/planner/certificates.h"

#include <gtest/gtest.h>

#include "daemons/imaged/planner/root-files.h"
#include "daemons/imaged/planner/test-directory.h"

namespace bulkhead::planner {
namespace {

// containers-certs.d(5).
TEST(Certificates, AreThoseOfTheHost) {
  TestDirectory one, two;
  one.write("r.test:5000/b.crt", "B");
  one.write("r.test:5000/a.crt", "A");
  one.write("r.test:5000/client.cert", "C");
  one.write("r.test:5000/client.key", "K", 0600);
  one.write("r.test:5000/notes.txt", "N");
  two.write("r.test:5000/c.crt", "other");
  two.write("s.test/ca.crt", "S");
  std::vector<std::string> directories{one.path(), "/nowhere", two.path()};
  Certificates found = certificatesOf("r.test:5000", directories);
  EXPECT_EQ(found.authorities, "A\nB\n");
  EXPECT_EQ(found.certificate, "C");
  EXPECT_EQ(found.key, "K");
  EXPECT_EQ(certificatesOf("s.test", directories).authorities, "S\n");
  EXPECT_EQ(certificatesOf("r.test", directories).authorities, "");
  EXPECT_EQ(certifiedHosts(directories), (std::vector<std::string>{"r.test:5000", "s.test"}));
}

TEST(Certificates, OfAClientNeedTheirKey) {
  TestDirectory directory;
  directory.write("r.test/client.cert", "C");
  EXPECT_THROW(certificatesOf("r.test", {directory.path()}), FileError);
}

TEST(Certificates, AnchorsAreRoots) {
  TestDirectory directory;
  directory.write("r.test/ca.crt", "A", 0666);
  EXPECT_THROW(certificatesOf("r.test", {directory.path()}), FileError);
}

}  // namespace
}  // namespace bulkhead::planner
