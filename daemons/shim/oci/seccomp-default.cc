#include "daemons/shim/oci/seccomp-default.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace bulkhead::oci {
namespace {

// Runtimes skip names that their libseccomp does not know. ptrace and process_vm_* are safe since 4.8, which
// checks filters after the tracer's changes.
constexpr std::string_view alwaysAllowed =
    "accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64 arm_sync_file_range bind brk "
    "breakpoint "
    "cacheflush cachestat capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64 clock_getres "
    "clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close "
    "close_range "
    "connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
    "epoll_pwait "
    "epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat "
    "faccessat2 "
    "fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 "
    "fchownat fcntl "
    "fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 "
    "fstatfs "
    "fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv "
    "futex_wake "
    "futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 "
    "getgroups "
    "getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid "
    "getresgid32 "
    "getresuid getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area "
    "gettid "
    "gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 "
    "inotify_rm_watch "
    "io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set "
    "io_setup "
    "io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 "
    "lgetxattr "
    "link linkat listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr "
    "lstat lstat64 "
    "madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock "
    "mlock2 "
    "mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 "
    "mq_timedsend "
    "mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap "
    "name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open "
    "pidfd_send_signal pipe "
    "pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 "
    "process_mrelease process_vm_readv process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev "
    "pwritev2 "
    "read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
    "remap_file_pages "
    "removexattr removexattrat rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction "
    "rt_sigpending "
    "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
    "rt_tgsigqueueinfo riscv_hwprobe s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr "
    "sched_getaffinity "
    "sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler "
    "sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
    "sched_setscheduler sched_yield select semctl semget semop semtimedop semtimedop_time64 send sendfile "
    "sendfile64 "
    "sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 "
    "setitimer "
    "setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 "
    "setrlimit "
    "set_robust_list setsid setsockopt set_thread_area set_tid_address set_tls setuid setuid32 setxattr "
    "setxattrat "
    "shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigpending sigprocmask sigreturn "
    "socketpair "
    "splice stat stat64 statfs statfs64 statmount statx swapcontext symlink symlinkat sync sync_file_range "
    "sync_file_range2 syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun "
    "timer_gettime "
    "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
    "timerfd_settime "
    "timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe "
    "usr26 usr32 "
    "utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev";

struct Conditional {
  std::string_view capability;
  std::string_view calls;
};
constexpr std::array conditionals{
    Conditional{"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    Conditional{
        "CAP_SYS_ADMIN",
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr "
        "move_mount open_tree open_tree_attr perf_event_open pivot_root quotactl quotactl_fd setdomainname "
        "sethostname setns syslog umount umount2 unshare"},
    Conditional{"CAP_BPF", "bpf"},
    Conditional{"CAP_PERFMON", "perf_event_open"},
    Conditional{"CAP_SYSLOG", "syslog"},
    Conditional{"CAP_SYS_BOOT", "reboot"},
    Conditional{"CAP_SYS_CHROOT", "chroot"},
    Conditional{"CAP_SYS_MODULE", "delete_module finit_module init_module"},
    Conditional{"CAP_SYS_NICE",
                "get_mempolicy mbind migrate_pages move_pages set_mempolicy set_mempolicy_home_node"},
    Conditional{"CAP_SYS_PACCT", "acct"},
    Conditional{"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    Conditional{"CAP_SYS_RAWIO", "ioperm iopl"},
    Conditional{"CAP_SYS_TIME", "clock_settime clock_settime64 settimeofday stime"},
    Conditional{"CAP_SYS_TTY_CONFIG", "vhangup"},
};

struct Argument {
  int index;
  std::string_view operation;
  std::int64_t value;
  std::int64_t second = 0;  // of SCMP_CMP_MASKED_EQ: value is the mask, this what must be left
};

void writeRule(JsonWriter& json, std::string_view calls, const Argument* argument = nullptr,
               int errnoAnswer = 0) {
  json.object().key("names").array();
  for (size_t from = 0; from < calls.size();) {
    size_t to = std::min(calls.find(' ', from), calls.size());
    json.text(calls.substr(from, to - from));
    from = to + 1;
  }
  json.end().member("action", errnoAnswer == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
  if (errnoAnswer != 0) json.member("errnoRet", errnoAnswer);
  if (argument != nullptr) {
    json.key("args").array().object().member("index", argument->index).member("value", argument->value);
    json.member("valueTwo", argument->second).member("op", argument->operation).end().end();
  }
  json.end();
}

void writeArchitectures(JsonWriter& json) {
#if defined(__x86_64__)
  json.member("architectures", {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"});
#elif defined(__aarch64__)
  json.member("architectures", {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"});
#endif
}

}  // namespace

void writeDefaultSeccomp(JsonWriter& json, const std::vector<std::string>& capabilities) {
  constexpr int notPermitted = 1;     // EPERM
  constexpr int notImplemented = 38;  // ENOSYS
  auto has = [&capabilities](std::string_view name) {
    return std::find(capabilities.begin(), capabilities.end(), name) != capabilities.end();
  };
  json.object().member("defaultAction", "SCMP_ACT_ERRNO").member("defaultErrnoRet", notPermitted);
  writeArchitectures(json);
  json.key("syscalls").array();
  writeRule(json, alwaysAllowed);
  for (const Conditional& each : conditionals) {
    if (has(each.capability)) writeRule(json, each.calls);
  }
  if (!has("CAP_SYS_ADMIN")) {
    // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (and NEWTIME's bit is CSIGNAL's in
    // clone).
    Argument noNamespaces{0, "SCMP_CMP_MASKED_EQ", 0x7E020000, 0};
    writeRule(json, "clone", &noNamespaces);
    writeRule(json, "clone3", nullptr, notImplemented);
  }
  // Linux, Linux32, and those with ADDR_NO_RANDOMIZE's neighbour UNAME26; 0xffffffff only asks.
  for (std::int64_t persona : {0x0LL, 0x8LL, 0x20000LL, 0x20008LL, 0xffffffffLL}) {
    Argument is{0, "SCMP_CMP_EQ", persona};
    writeRule(json, "personality", &is);
  }
  // Families 0-37, 39 and 41-47: every one but AF_ALG (38) and AF_VSOCK (40). By the 32 bits that the kernel
  // looks at, so that no higher bit passes for another family.
  for (auto [mask, family] : {std::pair{0xffffffe0LL, 0LL},
                              {0xfffffffcLL, 32LL},
                              {0xfffffffeLL, 36LL},
                              {0xffffffffLL, 39LL},
                              {0xffffffffLL, 41LL},
                              {0xfffffffeLL, 42LL},
                              {0xfffffffcLL, 44LL}}) {
    Argument is{0, "SCMP_CMP_MASKED_EQ", mask, family};
    writeRule(json, "socket", &is);
  }
  // For 32-bit x86 libseccomp opens it beside each call that it multiplexes, and with it every family: what
  // is in its arguments' memory no filter sees. Only a rule for the whole of it closes it again.
  writeRule(json, "socketcall", nullptr, notImplemented);
  json.end().end();
}

}  // namespace bulkhead::oci
