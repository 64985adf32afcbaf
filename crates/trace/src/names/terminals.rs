//! Names of terminal settings.

use super::{Names, names};

names! {
    /// Input.
    TERM_IFLAGS, "":
    IGNBRK = 1, BRKINT = 2, IGNPAR = 4, PARMRK = 8, INPCK = 0x10, ISTRIP = 0x20, INLCR = 0x40, IGNCR = 0x80,
    ICRNL = 0x100, IUCLC = 0x200, IXON = 0x400, IXANY = 0x800, IXOFF = 0x1000, IMAXBEL = 0x2000, IUTF8 = 0x4000,
}

names! {
    /// Output.
    TERM_OFLAGS, "":
    OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 8, ONOCR = 0x10, ONLRET = 0x20, OFILL = 0x40, OFDEL = 0x80,
}

names! {
    /// Delay of a new line.
    TERM_OFLAGS_NLDLY, "NL?":
    NL0 = 0, NL1 = 0x100,
}

names! {
    /// Delay of a carriage return.
    TERM_OFLAGS_CRDLY, "CR?":
    CR0 = 0, CR1 = 0x200, CR2 = 0x400, CR3 = 0x600,
}

names! {
    /// Delay of a tabulator.
    TERM_OFLAGS_TABDLY, "TAB?":
    XTABS = 0x1800, TAB0 = 0, TAB1 = 0x800, TAB2 = 0x1000, TAB3 = 0x1800,
}

names! {
    /// Delay of a backspace.
    TERM_OFLAGS_BSDLY, "BS?":
    BS1 = 0x2000, BS0 = 0,
}

names! {
    /// Delay of a vertical tabulator.
    TERM_OFLAGS_VTDLY, "VT?":
    VT0 = 0, VT1 = 0x4000,
}

names! {
    /// Delay of a form feed.
    TERM_OFLAGS_FFDLY, "FF?":
    FF0 = 0, FF1 = 0x8000,
}

names! {
    /// The line.
    TERM_CFLAGS, "":
    CSTOPB = 0x40, CREAD = 0x80, PARENB = 0x100, PARODD = 0x200, HUPCL = 0x400, CLOCAL = 0x800, CMSPAR = 0x4000_0000,
    CRTSCTS = 0x8000_0000,
}

names! {
    /// Bits in a character.
    TERM_CFLAGS_CSIZE, "CS?":
    CS5 = 0, CS6 = 16, CS7 = 32, CS8 = 48,
}

names! {
    /// Local modes.
    TERM_LFLAGS, "":
    ISIG = 1, ICANON = 2, XCASE = 4, ECHO = 8, ECHOE = 0x10, ECHOK = 0x20, ECHONL = 0x40, NOFLSH = 0x80,
    IEXTEN = 0x8000, ECHOCTL = 0x200, ECHOPRT = 0x400, ECHOKE = 0x800, FLUSHO = 0x1000, PENDIN = 0x4000,
    TOSTOP = 0x100, EXTPROC = 0x10000,
}

names! {
    /// Speeds.
    BAUD_OPTIONS, "B???":
    B0 = 0, B50 = 1, B75 = 2, B110 = 3, B134 = 4, B150 = 5, B200 = 6, B300 = 7, B600 = 8, B1200 = 9, B1800 = 0xa,
    B2400 = 0xb, B4800 = 0xc, B9600 = 0xd, B19200 = 0xe, B38400 = 0xf, B57600 = 0x1001, B115200 = 0x1002,
    B230400 = 0x1003, B460800 = 0x1004, B500000 = 0x1005, B576000 = 0x1006, B921600 = 0x1007, B1000000 = 0x1008,
    B1152000 = 0x1009, B1500000 = 0x100a, B2000000 = 0x100b, B2500000 = 0x100c, B3000000 = 0x100d, B3500000 = 0x100e,
    B4000000 = 0x100f, EXTA = 0xe, EXTB = 0xf, BOTHER = 0x1000,
}

names! {
    /// Modem lines.
    MODEM_FLAGS, "TIOCM_???":
    TIOCM_LE = 1, TIOCM_DTR = 2, TIOCM_RTS = 4, TIOCM_ST = 8, TIOCM_SR = 0x10, TIOCM_CTS = 0x20, TIOCM_CAR = 0x40,
    TIOCM_RNG = 0x80, TIOCM_DSR = 0x100, TIOCM_OUT1 = 0x2000, TIOCM_OUT2 = 0x4000, TIOCM_LOOP = 0x8000,
}

names! {
    /// Stop and go.
    TCXONC_OPTIONS, "TC???":
    TCOOFF = 0, TCOON = 1, TCIOFF = 2, TCION = 3,
}

names! {
    /// What is thrown away.
    TCFLSH_OPTIONS, "TC???":
    TCIFLUSH = 0, TCOFLUSH = 1, TCIOFLUSH = 2,
}
