package journal

import (
	"crypto/ed25519"
	"encoding/binary"

	"hayalet"
)

// anchorMagic begins what an anchor's signature is over: the version of the format.
const anchorMagic = "hja1"

// SignAnchor states with the key that the chain ended with this header at this time.
func SignAnchor(key ed25519.PrivateKey, h *Header, at hayalet.Instant) hayalet.Anchor {
	hash := h.Hash()
	a := hayalet.Anchor{Block: h.Number, Hash: hash[:], At: at, Key: key[ed25519.SeedSize:]}
	a.Signature = ed25519.Sign(key, anchorBytes(&a))
	return a
}

// AnchorHolds reports whether the anchor's signature is that of its key.
func AnchorHolds(a *hayalet.Anchor) bool {
	return len(a.Key) == ed25519.PublicKeySize && ed25519.Verify(a.Key, anchorBytes(a), a.Signature)
}

// anchorBytes are what is signed: the number of the block, the hash of its header, and the time in µs since 1970, integers
// big-endian.
func anchorBytes(a *hayalet.Anchor) []byte {
	b := binary.BigEndian.AppendUint64([]byte(anchorMagic), a.Block)
	b = append(b, a.Hash...)
	return binary.BigEndian.AppendUint64(b, uint64(a.At))
}
