package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/bits"
)

// Hash is a SHA-256. Its text is in hexadecimal digits.
type Hash [sha256.Size]byte

// MarshalText writes 64 hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

var errHash = errors.New("want a SHA-256 of 64 hexadecimal digits")

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return errHash
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return errHash
	}
	return nil
}

// The prefixes that keep a leaf from being taken for a node [RFC 6962 §2.1].
const (
	leafPrefix = 0
	nodePrefix = 1
)

// node is the hash of two subtrees.
func node(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// Root is the root of the Merkle tree over the leaves [RFC 6962 §2.1].
func Root(leaves []Hash) Hash {
	level := append(make([]Hash, 0, len(leaves)), leaves...)
	return rootInPlace(level)
}

// rootInPlace is Root, and uses the leaves up. Joining neighbours and lifting the odd one out gives the tree of RFC 6962,
// whose left half is the largest power of two.
func rootInPlace(level []Hash) Hash {
	if len(level) == 0 {
		return sha256.Sum256(nil)
	}
	for len(level) > 1 {
		n := 0
		for i := 0; i+1 < len(level); i += 2 {
			level[n] = node(level[i], level[i+1])
			n++
		}
		if len(level)%2 == 1 {
			level[n] = level[len(level)-1]
			n++
		}
		level = level[:n]
	}
	return level[0]
}

// Proof returns the hashes that lead from the leaf at index to the root [RFC 6962 §2.1.1].
func Proof(leaves []Hash, index int) []Hash {
	if index < 0 || index >= len(leaves) || len(leaves) == 1 {
		return nil
	}
	half := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	if index < half {
		return append(Proof(leaves[:half], index), Root(leaves[half:]))
	}
	return append(Proof(leaves[half:], index-half), Root(leaves[:half]))
}

// Proves reports whether the path leads from the leaf, at index of size leaves, to the root.
func Proves(leaf Hash, index, size int, path []Hash, root Hash) bool {
	if index < 0 || index >= size {
		return false
	}
	at, last := index, size-1
	for _, sibling := range path {
		if last == 0 {
			return false
		}
		if at%2 == 1 || at == last {
			leaf = node(sibling, leaf)
			for at%2 == 0 && at != 0 { // lifted: it had no sibling on these levels
				at, last = at/2, last/2
			}
		} else {
			leaf = node(leaf, sibling)
		}
		at, last = at/2, last/2
	}
	return last == 0 && leaf == root
}
