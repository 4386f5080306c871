"""A seccomp filter: system calls that no student's program needs, and by which programs have left boxes before.

Theory of operation. The kernel runs a small program (classic BPF) before each system call of the guest and of
everything it starts; it cannot be taken off again. Calls on the list below fail with EPERM, as if the right were
missing. Three are looked at more closely: `clone` may not make namespaces, `clone3` does not exist (the C library then
uses `clone`, whose flags the filter can see), `socketpair` gives connected streams only. A call of another architecture
(32-bit code on a 64-bit kernel has other numbers) ends the process.

Sources: seccomp(2), struct seccomp_data and struct sock_filter of the Linux API; numbers from asm/unistd_64.h (x86-64)
and asm-generic/unistd.h (aarch64); the choice follows Docker's default profile, which documents why each is refused.
"""

import ctypes
import errno
import platform
from dataclasses import dataclass, field

LOOK_AT_OTHERS = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
}
LARGE_KERNEL_SURFACE = {
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "vmsplice": (278, 75),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
}
FILE_SYSTEMS = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "open_tree_attr": (467, 467),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "ustat": (136, None),
    "sysfs": (139, None),
    "nfsservctl": (180, 42),
    "lookup_dcookie": (212, 18),
}
THE_MACHINE = {
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "acct": (163, 89),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "_sysctl": (156, None),
    "personality": (135, 92),
}
NAMESPACES = {"setns": (308, 268), "unshare": (272, 97)}
MEMORY_OF_NOBODY = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmdt": (67, 197),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
}
"""Memory that stands in no process's account, some of which outlives its maker."""
NETWORK = {
    "socket": (41, 198),
    "bind": (49, 200),
    "connect": (42, 203),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
REFUSED = LOOK_AT_OTHERS | LARGE_KERNEL_SURFACE | FILE_SYSTEMS | THE_MACHINE | NAMESPACES | MEMORY_OF_NOBODY | NETWORK
"""Number on x86-64 and on aarch64 by name; None where an architecture has no such call."""

CLONE, CLONE3, SOCKETPAIR = (56, 220), (435, 435), (53, 199)
NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; CLONE_NEWTIME cannot be asked of `clone`."""
SOCK_STREAM, SOCK_TYPE_MASK = 1, 0xF
X32 = 0x40000000
"""Numbers from here on are calls of the x32 ABI, under which every call has a second number."""

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the tables and the kernel's name (AUDIT_ARCH_…) of each machine that is served."""

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
"""Offsets in struct seccomp_data, of the lower half of an argument on little-endian machines."""
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000


class Instruction(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction)))


@dataclass
class Assembler:
    """Instructions with jumps to labels further down."""

    code: list[tuple[int, int, str, str]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def do(self, operation: int, value: int) -> None:
        """An instruction without a jump."""
        self.code.append((operation, value, "", ""))

    def jump(self, test: int, value: int, yes: str, no: str = "") -> None:
        """Go to label `yes` if the test holds, else to `no`; an empty label is the next instruction."""
        self.code.append((test, value, yes, no))

    def label(self, name: str) -> None:
        """The next instruction has this name."""
        self.labels[name] = len(self.code)

    def assemble(self) -> list[Instruction]:
        """All instructions, with jumps as distances."""
        return [
            Instruction(code, *(self.labels[to] - here - 1 if to else 0 for to in (yes, no)), value)
            for here, (code, value, yes, no) in enumerate(self.code)
        ]


def make_filter(machine: str) -> list[Instruction]:
    """The filter for a machine as `platform.machine()` names it; KeyError for one that is not served."""
    column, architecture = ARCHITECTURES[machine]
    program = Assembler()
    program.do(LOAD, ARCHITECTURE)
    program.jump(JUMP_EQUAL, architecture, "known", "kill")
    program.label("known")
    program.do(LOAD, NUMBER)
    program.jump(JUMP_AT_LEAST, X32, "refuse")
    program.jump(JUMP_EQUAL, CLONE[column], "clone")
    program.jump(JUMP_EQUAL, CLONE3[column], "unknown")
    program.jump(JUMP_EQUAL, SOCKETPAIR[column], "socketpair")
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            program.jump(JUMP_EQUAL, number, "refuse")
    program.label("allow")
    program.do(RETURN, ALLOW)
    program.label("clone")
    program.do(LOAD, FIRST_ARGUMENT)
    program.jump(JUMP_ANY_BIT, NEW_NAMESPACES, "refuse", "allow too")
    program.label("socketpair")
    program.do(LOAD, SECOND_ARGUMENT)
    program.do(AND, SOCK_TYPE_MASK)
    program.jump(JUMP_EQUAL, SOCK_STREAM, "allow too", "refuse")
    program.label("allow too")
    program.do(RETURN, ALLOW)
    program.label("refuse")
    program.do(RETURN, FAIL | errno.EPERM)
    program.label("unknown")
    program.do(RETURN, FAIL | errno.ENOSYS)
    program.label("kill")
    program.do(RETURN, KILL)
    return program.assemble()


def refuse_system_calls() -> bool:
    """Put the filter on this process and everything it starts, for good; False where the kernel has no seccomp."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        return False
    instructions = make_filter(machine)
    array = (Instruction * len(instructions))(*instructions)
    program = Program(len(instructions), array)
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges = libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    filtered = libc.prctl(22, 2, ctypes.byref(program), 0, 0)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
    return no_new_privileges == 0 and filtered == 0
