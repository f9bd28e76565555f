// Put into images by the replays: what the kernel answers a container that asks for sockets.
//   families                  one line a family, "NUMBER ERRNO" (0: given), and the same for AF_VSOCK by way
//   of
//                             32-bit x86's socketcall(2), "socketcall ERRNO", where the machine has it
//   families FAMILY TYPE…     one line a pair
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

int ask(int family, int type) {
  int socket = ::socket(family, type, 0);
  if (socket < 0) return errno;
  (void)::close(socket);
  return 0;
}

#if defined(__x86_64__)
// A kernel without 32-bit calls ends the child.
int askBySocketcall(int family, int type) {
  pid_t child = ::fork();
  if (child == 0) {
    void* low = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED) ::_exit(ENOMEM);
    auto* arguments = static_cast<std::uint32_t*>(low);
    arguments[0] = static_cast<std::uint32_t>(family);
    arguments[1] = static_cast<std::uint32_t>(type);
    arguments[2] = 0;
    constexpr long socketcall = 102;
    constexpr long socket = 1;
    long answer = 0;
    asm volatile("int $0x80"
                 : "=a"(answer)
                 : "a"(socketcall), "b"(socket), "c"(arguments)
                 : "memory", "r8", "r9", "r10", "r11");
    ::_exit(answer >= 0 ? 0 : static_cast<int>(-answer));
  }
  int status = 0;
  (void)::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#endif

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    for (int i = 1; i + 1 < argc; i += 2) {
      int family = std::atoi(argv[i]);
      int type = std::atoi(argv[i + 1]);
      std::printf("%d,%d %d\n", family, type, ask(family, type));
    }
    return 0;
  }
  for (int family : {AF_UNIX, AF_INET, AF_ALG, AF_VSOCK})
    std::printf("%d %d\n", family, ask(family, family == AF_ALG ? SOCK_SEQPACKET : SOCK_STREAM));
#if defined(__x86_64__)
  int answer = askBySocketcall(AF_VSOCK, SOCK_STREAM);
  if (answer >= 0) std::printf("socketcall %d\n", answer);
#endif
  return 0;
}
