// What the suite's web server and set-uid images run, in one static program; which of them it is, its name says.
//   nginx  a web server on port 80, or $PORT, that calls itself a master process and leaves its pid in /var/run/nginx.pid
//   httpd  the same, whose log says "httpd"
//   nnp    prints the effective uid
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

static void leavePid(void) {
  FILE* file = fopen("/var/run/nginx.pid", "w");
  if (file == NULL) return;
  fprintf(file, "%d\n", getpid());
  fclose(file);
}

static int serve(void) {
  const char* port = getenv("PORT");
  struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_port = htons(port ? atoi(port) : 80)};
  int on = 1;
  int off = 0;
  int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(listener, (struct sockaddr*)&all, sizeof all) != 0 || listen(listener, 16) != 0) {
    perror("listen");
    return 1;
  }
  leavePid();
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    char request[4096];
    (void)!read(client, request, sizeof request);
    (void)!write(client, answer, sizeof answer - 1);
    shutdown(client, SHUT_WR);
    close(client);
  }
}

int main(int argc, char** argv) {
  const char* slash = strrchr(argv[0], '/');
  const char* name = slash ? slash + 1 : argv[0];
  if (strcmp(name, "nnp") == 0) {
    printf("Effective uid: %d\n", geteuid());
    return 0;
  }
  if (strcmp(name, "nginx") == 0 && argc == 1) {
    execl("/proc/self/exe", "nginx", "master process", (char*)NULL);
    return 1;
  }
  prctl(PR_SET_NAME, name);
  signal(SIGTERM, SIG_DFL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("%s: serving\n", name);
  return serve();
}
