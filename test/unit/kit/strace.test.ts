import assert from "node:assert/strict";
import { test } from "node:test";
import { fileCall } from "../../kit/strace.ts";

test("A call's path is the one that is asked for, from wherever it starts.", () => {
  for (const [line, call, path] of [
    ['12  openat(AT_FDCWD</work/a>, "x.js", O_RDONLY|O_CLOEXEC) = 3</work/a/x.js>', "openat", "/work/a/x.js"],
    ['12  openat(AT_FDCWD</work/a>, "/etc/x", O_RDONLY) = -1 ENOENT (No such file or directory)', "openat", "/etc/x"],
    ['12  newfstatat(7</work/b>, "../c", 0x7ffd, 0) = 0', "newfstatat", "/work/c"],
    ['12  stat("x", {st_mode=S_IFREG|0644, st_size=1, ...}) = 0', "stat", "/here/x"],
    ['12 access("/a \\"b\\"", R_OK <unfinished ...>', "access", '/a "b"'],
    ['12  execve("/bin/x", ["x", "/y"], 0x7ffd /* 3 vars */) = 0', "execve", "/bin/x"],
    ['12  readlink("/proc/self/exe", "/work/a/porthop", 256) = 15', "readlink", "/proc/self/exe"],
  ] as const) {
    assert.deepEqual(fileCall(line, "/here"), [{ call, path, line }]);
  }
});

test("What asks for no file is none.", () => {
  for (const line of [
    '12  newfstatat(3</lib/libc.so.6>, "", {st_mode=S_IFREG|0755, st_size=1, ...}, AT_EMPTY_PATH) = 0',
    '12  getcwd("/work/a", 4096) = 8',
    "12  +++ exited with 0 +++",
    "12  --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=13} ---",
    "12  <... openat resumed>) = -1 ENOENT (No such file or directory)",
    "",
  ]) {
    assert.deepEqual(fileCall(line, "/here"), []);
  }
});
