package journal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Pin is an anchor that was kept elsewhere: which block had which hash.
type Pin struct {
	Block uint64
	Hash  Hash // of its header
}

// String is BLOCK:HASH, as ParsePin reads it.
func (p Pin) String() string { return fmt.Sprintf("%d:%x", p.Block, p.Hash[:]) }

var errPin = errors.New("want BLOCK:HASH, the hash in 64 hexadecimal digits")

// ParsePin reads BLOCK:HASH.
func ParsePin(text string) (p Pin, err error) {
	block, hash, _ := strings.Cut(text, ":")
	if p.Block, err = strconv.ParseUint(block, 10, 64); err != nil || p.Block == 0 || p.Hash.UnmarshalText([]byte(hash)) != nil {
		return Pin{}, errPin
	}
	return p, nil
}

// Pin is what somebody can keep of a header.
func (h *Header) Pin() Pin { return Pin{h.Number, h.Hash()} }
