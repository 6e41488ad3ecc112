package main

// reserveSize is counted as memory in use by the garbage collector, and never
// touched, so that the system gives none for it. What the gateway keeps is small
// (20 MB of pages, words and templates), and the collector starts each time that
// as much again was allocated: at thirty thousand pages a second ten times a
// second, which cost a sixth of the processor time of a page (measured with
// bench page: 0.83 to 0.91 of a bare handler's rate without it). With the reserve it
// starts every 84 MB. Where thousands of open pages make the heap large anyway,
// it changes little: unlike a higher GOGC, which would multiply their memory.
const reserveSize = 64 << 20

// reserve makes the reserve; it holds until the slice is let go.
func reserve() []byte { return make([]byte, reserveSize) }
