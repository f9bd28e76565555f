// Tls: who connects to the listener speaks TLS 1.3, and shows a certificate if one is asked for. From PEM
// files, looked at again for every connection.
#pragma once

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <memory>
#include <string>

namespace bulkhead::streaming {

// One connection's TLS on a non-blocking socket. Afterwards receive() and transmit() are recv(2) and send(2),
// with errno EAGAIN or ECONNRESET.
class TlsSession {
 public:
  enum class Step { done, whenReadable, whenWritable, failed };

  explicit TlsSession(SSL_CTX& context);

  // Does not own the socket, which has to live as long. Called once, before anything else.
  void on(int socket);
  Step handshake();
  ssize_t receive(char* buffer, size_t size);
  ssize_t transmit(const char* bytes, size_t size);
  // Tells the client that nothing more comes.
  void endWriting();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> ssl_;
  bool isUp_ = false;  // between the handshake and the first failure
};

class Tls {
 public:
  struct Files {
    std::string certificate;  // PEM, the chain behind it
    std::string key;          // PEM, without a passphrase
    std::string clientCa;     // PEM, one or more; empty: clients need no certificate
  };
  // Throws std::runtime_error, naming the file, if they are no good.
  explicit Tls(Files files);

  // By the files as they are now. If new ones are no good, that is logged once and the old ones stay.
  TlsSession accept();

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(const Stamp& other) const;
  };
  using Stamps = std::array<Stamp, 3>;
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Context = std::unique_ptr<SSL_CTX, Free>;

  static Stamp stampOf(const std::string& path);
  [[nodiscard]] Stamps stamps() const;
  [[nodiscard]] Context load() const;

  const Files files_;
  Stamps seen_;
  Context context_;
};

}  // namespace bulkhead::streaming
