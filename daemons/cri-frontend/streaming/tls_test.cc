// TLS with real files, both ends in this process.
#include "daemons/cri-frontend/streaming/tls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/fd.h"
#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

template <typename Write>
std::string pem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(bio), 1);
  char* bytes = nullptr;
  auto size = static_cast<size_t>(BIO_get_mem_data(bio, &bytes));
  std::string text(bytes, size);
  BIO_free(bio);
  return text;
}

// A key and its own certificate, both PEM.
struct Identity {
  explicit Identity(const char* name) {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* about = X509_new();
    X509_set_version(about, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(about), 1);
    X509_gmtime_adj(X509_getm_notBefore(about), -60);
    X509_gmtime_adj(X509_getm_notAfter(about), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(about), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(about, X509_get_subject_name(about));
    X509_set_pubkey(about, pair);
    EXPECT_GT(X509_sign(about, pair, EVP_sha256()), 0);
    key = pem(
        [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, pair, nullptr, nullptr, 0, nullptr, nullptr); });
    certificate = pem([&](BIO* bio) { return PEM_write_bio_X509(bio, about); });
    X509_free(about);
    EVP_PKEY_free(pair);
  }
  std::string key, certificate;
};

class TlsFiles : public testing::Test {
 protected:
  TlsFiles() {
    write(files.certificate, one.certificate);
    write(files.key, one.key);
  }
  ~TlsFiles() override { std::filesystem::remove_all(directory); }

  // A new file each time, as who renews certificates does it.
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path + ".new") << bytes;
    std::filesystem::rename(path + ".new", path);
  }
  static std::string makeDirectory() {
    std::string name = testing::TempDir() + "bh-tls-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  static std::string whyNot(const Tls::Files& files) {
    try {
      Tls tls(files);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  // A client and what the server made of it, once neither gets any further.
  struct Meeting {
    Fd here, there;
    std::unique_ptr<SSL, void (*)(SSL*)> client{nullptr, SSL_free};
    TlsSession session;
    TlsSession::Step step = TlsSession::Step::whenReadable;
    std::string shown{};  // the server's certificate, PEM
  };
  static Meeting meet(Tls& tls, const Identity* shows = nullptr, int version = TLS1_3_VERSION) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context, version);
    Meeting meeting{Fd(ends[0]), Fd(ends[1]), {SSL_new(context), SSL_free}, tls.accept()};
    SSL_CTX_free(context);
    if (shows != nullptr) show(*meeting.client, *shows);
    SSL_set_fd(meeting.client.get(), meeting.here.get());
    meeting.session.on(meeting.there.get());
    for (int i = 0; i < 10 && meeting.step == TlsSession::Step::whenReadable; ++i) {
      (void)SSL_connect(meeting.client.get());
      meeting.step = meeting.session.handshake();
    }
    if (X509* seen = SSL_get1_peer_certificate(meeting.client.get())) {
      meeting.shown = pem([&](BIO* bio) { return PEM_write_bio_X509(bio, seen); });
      X509_free(seen);
    }
    return meeting;
  }
  static void show(SSL& client, const Identity& who) {
    BIO* bio = BIO_new_mem_buf(who.certificate.data(), static_cast<int>(who.certificate.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(who.key.data(), static_cast<int>(who.key.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    EXPECT_EQ(SSL_use_certificate(&client, certificate), 1);
    EXPECT_EQ(SSL_use_PrivateKey(&client, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  const Identity one{"one"}, two{"two"};
  const std::string directory = makeDirectory();
  Tls::Files files{directory + "/server.pem", directory + "/server.key", ""};
};

TEST_F(TlsFiles, SaysWhatIsWrongWithThem) {
  EXPECT_EQ(whyNot(files), "");
  auto broken = [&](const std::string& path, const std::string& bytes) {
    write(path, bytes);
    std::string why = whyNot(files);
    write(files.certificate, one.certificate);
    write(files.key, one.key);
    return why;
  };
  EXPECT_EQ(broken(files.certificate, ""), files.certificate + ": no certificate");
  EXPECT_EQ(broken(files.certificate, one.key), files.certificate + ": no certificate");
  EXPECT_EQ(broken(files.key, one.certificate), files.key + ": no key, or one with a passphrase");
  EXPECT_EQ(broken(files.key, two.key), files.key + ": not the certificate's key");
  EXPECT_EQ(broken(files.key, std::string(limits::tlsFile + 1, 'x')), files.key + ": too large");
  EXPECT_EQ(whyNot({directory, files.key, ""}), directory + ": not a file");
  EXPECT_EQ(whyNot({files.certificate, files.key, files.key}), files.key + ": no certificate");
  EXPECT_NE(whyNot({files.certificate, directory + "/absent", ""}).find(directory + "/absent"),
            std::string::npos);
}

TEST_F(TlsFiles, AreThoseOfTheMoment) {
  Tls tls(files);
  EXPECT_EQ(meet(tls).shown, one.certificate);
  write(files.key, two.key);  // half of a renewal
  EXPECT_EQ(meet(tls).shown, one.certificate);
  write(files.certificate, two.certificate);
  EXPECT_EQ(meet(tls).shown, two.certificate);
  write(files.certificate, "garbage");
  EXPECT_EQ(meet(tls).shown, two.certificate);
  std::filesystem::remove(files.certificate);
  EXPECT_EQ(meet(tls).shown, two.certificate);
  write(files.certificate, one.certificate);
  write(files.key, one.key);
  EXPECT_EQ(meet(tls).shown, one.certificate);
}

TEST_F(TlsFiles, CarryBytesBothWays) {
  Tls tls(files);
  Meeting meeting = meet(tls);
  ASSERT_EQ(meeting.step, TlsSession::Step::done);
  char buffer[100];
  EXPECT_EQ(meeting.session.receive(buffer, sizeof buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(SSL_write(meeting.client.get(), "abc", 3), 3);
  EXPECT_EQ(SSL_write(meeting.client.get(), "def", 3), 3);
  EXPECT_EQ(meeting.session.receive(buffer, 4), 4);
  EXPECT_EQ(meeting.session.receive(buffer, sizeof buffer), 2);
  std::string many(1 << 20, 'x');
  size_t sent = 0, read = 0;
  bool waited = false;
  while (sent < many.size()) {
    ssize_t n = meeting.session.transmit(many.data() + sent, many.size() - sent);
    waited |= n < 0;
    ASSERT_TRUE(n > 0 || errno == EAGAIN);
    sent += n > 0 ? static_cast<size_t>(n) : 0;
    char taken[5000];
    for (int r = 0; n < 0 && (r = SSL_read(meeting.client.get(), taken, sizeof taken)) > 0;)
      read += static_cast<size_t>(r);
  }
  EXPECT_TRUE(waited);
  meeting.session.endWriting();
  char taken[5000];
  int r = 0;
  while ((r = SSL_read(meeting.client.get(), taken, sizeof taken)) > 0) read += static_cast<size_t>(r);
  EXPECT_EQ(read, many.size());
  EXPECT_EQ(SSL_get_error(meeting.client.get(), r), SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(SSL_write(meeting.client.get(), "end", 3), 3);
  (void)SSL_shutdown(meeting.client.get());
  EXPECT_EQ(meeting.session.receive(buffer, sizeof buffer), 3);
  EXPECT_EQ(meeting.session.receive(buffer, sizeof buffer), 0);
}

TEST_F(TlsFiles, NotForWhoBreaksOffOrTalksNonsense) {
  Tls tls(files);
  Meeting meeting = meet(tls);
  ASSERT_EQ(meeting.step, TlsSession::Step::done);
  EXPECT_EQ(::send(meeting.here.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
  char buffer[100];
  EXPECT_EQ(meeting.session.receive(buffer, sizeof buffer), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(meeting.session.transmit("x", 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(meet(tls, nullptr, TLS1_2_VERSION).step, TlsSession::Step::failed);
}

TEST_F(TlsFiles, MayNameWhoMayCome) {
  files.clientCa = directory + "/clients.pem";
  write(files.clientCa, two.certificate);
  Tls tls(files);
  EXPECT_EQ(meet(tls, &two).step, TlsSession::Step::done);
  EXPECT_EQ(meet(tls, &one).step, TlsSession::Step::failed);
  EXPECT_EQ(meet(tls).step, TlsSession::Step::failed);
  write(files.clientCa, one.certificate + two.certificate);
  EXPECT_EQ(meet(tls, &one).step, TlsSession::Step::done);
  EXPECT_EQ(meet(tls, &two).step, TlsSession::Step::done);
}

}  // namespace
}  // namespace bulkhead::streaming
