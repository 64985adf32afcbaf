/* A process that a monitor must survive: it hangs in a page fault of a mapping whose file system never answers. Its
 * argument strings lie on such a page too (before Linux 4.17 whoever read /proc/PID/cmdline hung with it), and the file
 * system does not say how full it is either, as an NFS mount whose server is away.
 *
 *   hang DIR      mounts a FUSE file system on DIR (needs root and /dev/fuse), prints "ready PID", serves until its
 *                 input is closed, then takes all away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what) {
    perror(what);
    _exit(1);
}

static void reply(int fuse, uint64_t unique, int error, void *body, size_t size) {
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .error = error, .unique = unique};
    struct iovec parts[2] = {{&head, sizeof head}, {body, size}};
    if (writev(fuse, parts, size ? 2 : 1) < 0 && errno != ENOENT) die("answering FUSE");
}

static struct fuse_attr attributes(uint64_t node) {
    struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096};
    attr.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
    attr.size = node == FUSE_ROOT_ID ? 0 : 1 << 20;
    return attr;
}

static void serve(int fuse) {
    static char buffer[1 << 17];
    ssize_t got = read(fuse, buffer, sizeof buffer);
    if (got < 0) {
        if (errno == ENOENT || errno == EINTR || errno == EAGAIN) return;
        die("reading FUSE");
    }
    struct fuse_in_header *in = (void *)buffer;
    switch (in->opcode) {
    case FUSE_INIT: {
        struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096};
        reply(fuse, in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_LOOKUP: {
        struct fuse_entry_out out = {.nodeid = 2, .entry_valid = 60, .attr_valid = 60, .attr = attributes(2)};
        reply(fuse, in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_GETATTR: {
        struct fuse_attr_out out = {.attr_valid = 60, .attr = attributes(in->nodeid)};
        reply(fuse, in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
        struct fuse_open_out out = {.fh = 1};
        reply(fuse, in->unique, 0, &out, sizeof out);
        break;
    }
    case FUSE_READ:
    case FUSE_STATFS:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break; /* reads and statfs are never answered; the others want no answer */
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
        reply(fuse, in->unique, 0, NULL, 0);
        break;
    default:
        reply(fuse, in->unique, -ENOSYS, NULL, 0);
    }
}

static void victim(const char *dir, char **argv, int tell) {
    char path[4096];
    snprintf(path, sizeof path, "%s/file", dir);
    int file = open(path, O_RDONLY);
    if (file < 0) die("opening the hanging file");
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 8192);
    if (page == MAP_FAILED) die("mapping the hanging file");
    /* From here on no argument and no environment string may be touched. */
    char *arguments = (char *)((uintptr_t)argv[0] & ~(uintptr_t)4095);
    if (mmap(arguments, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED) die("mapping over the arguments");
    if (write(tell, "x", 1) != 1) _exit(1);
    _exit(*(volatile char *)page);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: hang DIR\n", stderr);
        return 2;
    }
    char *dir = strdup(argv[1]);
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC), told[2];
    if (fuse < 0) die("/dev/fuse");
    char options[128];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    if (mount("procyon-hang", dir, "fuse", MS_NOSUID | MS_NODEV, options)) die("mount");
    if (pipe(told)) die("pipe");
    pid_t child = fork();
    if (child == 0) victim(dir, argv, told[1]);
    int ready = 0;
    for (;;) {
        struct pollfd wait[3] = {{.fd = fuse, .events = POLLIN}, {.fd = 0, .events = POLLIN}, {.fd = told[0], .events = POLLIN}};
        if (poll(wait, ready ? 2 : 3, -1) < 0) die("poll");
        if (wait[0].revents & POLLIN) serve(fuse);
        if (!ready && wait[2].revents & POLLIN) {
            ready = 1;
            printf("ready %d\n", child);
            fflush(stdout);
        }
        if (wait[1].revents) break;
    }
    kill(child, SIGKILL);
    umount2(dir, MNT_FORCE | MNT_DETACH);
    close(fuse); /* ends every request that still waits */
    waitpid(child, NULL, 0);
    return 0;
}
