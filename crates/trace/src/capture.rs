//! What an engine copies of a thread's memory, said for each system call.

/// Which end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Before the kernel has done anything: what it will overwrite or unmap (`execve`, `select`). A page that was never touched is not there yet.
    Enter,
    /// When it is done, so that its pages are there. Another thread may have changed it meanwhile.
    Exit,
}

/// One thing to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// The argument that holds the address, 0 to 5.
    pub argument: u8,
    /// At which end of the call.
    pub when: When,
    /// What lies there.
    pub what: What,
}

/// What an argument points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A path or name that ends with a zero byte: copied up to that, 4096 bytes at most.
    Text,
    /// Content: copied up to the length that a trace shows (`-s`) and one byte more, which tells that there is more.
    Content(Length),
    /// A structure or array: copied whole, 1024 bytes at most.
    Bytes(Length),
    /// An array of `struct iovec` of as many elements as the argument says: the array (16 elements at most), then the
    /// content that each points to. With the result, no more content than that many bytes in all.
    Vectors {
        /// The argument that holds the number of elements.
        count: u8,
        /// Only as much content as the call returned is told (`readv`).
        result: bool,
    },
    /// A `struct msghdr`: the header, its name, its vectors with content, its control data.
    Message {
        /// Only as much content as the call returned is told (`recvmsg`).
        result: bool,
    },
    /// An array of `struct mmsghdr` of as many elements as the argument says (4 at most).
    Messages {
        /// The argument that holds the number of elements.
        count: u8,
        /// The result is the number of elements that are told (`recvmmsg`).
        result: bool,
    },
    /// An array of pointers to texts that ends with a null pointer (`argv`): 33 elements at most, each text as content is cut.
    Texts,
}

/// How many bytes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// That many.
    Fixed(u16),
    /// What the argument says, times a size.
    Argument(u8, u16),
    /// What the call returned, times a size; nothing where it failed.
    Result(u16),
    /// The 32-bit number to which the argument points (`socklen_t *`), as it is when this is copied.
    Pointed(u8),
}
