// Put into an image by test_doors: says which socket families the kernel gives to a container, by number.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <initializer_list>

int main() {
  for (int family : {AF_UNIX, AF_INET, AF_ALG, AF_VSOCK}) {
    int socket = ::socket(family, family == AF_ALG ? SOCK_SEQPACKET : SOCK_STREAM, 0);
    std::printf("%d %s\n", family, socket >= 0 ? "given" : "denied");
    if (socket >= 0) (void)::close(socket);
  }
  return 0;
}
