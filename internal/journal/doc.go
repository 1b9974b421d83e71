// Package journal keeps frames verbatim, in commits that carry many of them, as a chain that shows what was changed.
//
// A [Journal] groups the frames of all connections into blocks. A block is one commit: its frames compressed, a header
// with the root of a Merkle tree over them and the hash of the header before, and an index of the stations that it speaks
// of. Whoever knows the hash of the last header can tell whether anything before it was changed, removed or moved, and can
// be shown one frame without the others. The store ([hayalet.Blocks]) keeps blocks and knows nothing of what is in them.
//
// Words: a position is a frame's place in the whole journal, from 1; a leaf is the hash of a frame; the chain is the
// headers, each with the hash of the one before; an anchor is a signature over where it ended; a hole is blocks between two
// anchored ones that retention has dropped, and says so with a signature.
//
//	j, err := journal.Open(ctx, store, journal.Config{Next: engine, From: mark}, log)
//	go j.Run(ctx)
//	err = j.PutFrames(ctx, frames) // on disk
//
// What was committed goes on to Config.Next, in the order of positions; when that is slower than the disk, the journal
// reads on from the store, and nobody waits.
package journal
