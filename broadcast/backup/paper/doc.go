// Package paper writes a key file so that it can be kept on paper, and reads it
// back as somebody types it: groups of letters that are not mistaken for each
// other, each with a check letter, and a check of the whole.
//
// Start: [Lines] for what stands on the paper, [ReadLine] and [Join] for how it is
// read.
package paper
