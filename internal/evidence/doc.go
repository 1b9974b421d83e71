// Package evidence packs what a journal knows of an incident into one file, and checks such a file without anything else.
//
// A case is a ZIP. Its manifest lists every other file with size and SHA-256 and is signed with the server's key. The raw
// frames are in it, and what proves each of them: the leaves of the blocks that held them, the headers from the first of
// these blocks on, and an anchor, which is a signed hash of the last header. A forger without the key can change none of
// it unseen, and [Verify] names the first record that was changed, removed or moved.
//
//	x, err := evidence.Gather(ctx, store, station, evidence.Around(&inc, 0, now))
//	c := evidence.Case{Incident: inc, Excerpt: x, Headers: headers, Anchor: anchor, …}
//	err = c.Write(w, key)
//
//	result, err := evidence.Verify(r, size, evidence.Known{Key: public})
//
// A [Proof] shows the same of one frame alone.
//
// docs/evidence.md describes the format so that others can check a case without this program. What a case says about the
// frames beyond that (report, explanation, picture) is its writer's; here it is only hashed.
package evidence
