//! What comes from traced programs and from people.

mod hostile;
