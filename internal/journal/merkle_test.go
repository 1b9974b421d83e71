package journal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"hayalet/internal/journal"
)

// TestRootIsThatOfCertificateTransparency: the roots of the eight test leaves that logs of RFC 6962 are tried with.
func TestRootIsThatOfCertificateTransparency(t *testing.T) {
	var leaves []journal.Hash
	for _, input := range []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"} {
		b, err := hex.DecodeString(input)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, sha256.Sum256(append([]byte{0}, b...)))
	}
	for size, want := range map[int]string{
		0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	} {
		if got := fmt.Sprintf("%x", journal.Root(leaves[:size])); got != want {
			t.Errorf("root of %d leaves: %s, want %s", size, got, want)
		}
	}
}

func TestProofProvesItsLeafAlone(t *testing.T) {
	var leaves []journal.Hash
	for size := 1; size <= 40; size++ {
		leaves = append(leaves, sha256.Sum256([]byte{0, byte(size)}))
		root := journal.Root(leaves)
		for index := range leaves {
			path := journal.Proof(leaves, index)
			if !journal.Proves(leaves[index], index, size, path, root) {
				t.Errorf("leaf %d of %d: its proof is refused", index, size)
			}
			if size > 1 && journal.Proves(leaves[index], (index+1)%size, size, path, root) {
				t.Errorf("leaf %d of %d: its proof is taken at another place", index, size)
			}
			if journal.Proves(sha256.Sum256([]byte("other")), index, size, path, root) {
				t.Errorf("leaf %d of %d: its proof is taken for another leaf", index, size)
			}
		}
	}
}
