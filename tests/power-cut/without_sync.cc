// What a storaged that forgets to sync is linked with (--wrap, ld(1)), so that the test can be seen to fail.
extern "C" {
int __wrap_syncfs(int) {  // NOLINT(bugprone-reserved-identifier): ld's name
  return 0;
}
int __wrap_fsync(int) {  // NOLINT(bugprone-reserved-identifier)
  return 0;
}
}
