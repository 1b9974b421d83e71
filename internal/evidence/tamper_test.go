package evidence_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hayalet"
	"hayalet/internal/evidence"
	"hayalet/internal/journal"
	"hayalet/internal/lang"
)

// pack makes a ZIP of files, the manifest as it is.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		addFile(t, z, name, files[name])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func addFile(t testing.TB, z *zip.Writer, name, text string) {
	t.Helper()
	w, err := z.CreateHeader(&zip.FileHeader{Name: name}) // not compressed: the fuzzer has better to do
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// forge makes the manifest say what the files are, as a forger would. With a key it is signed with that.
func forge(t testing.TB, files map[string]string, key ed25519.PrivateKey) {
	t.Helper()
	var m evidence.Manifest
	if err := json.Unmarshal([]byte(files["manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	m.Files = nil
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(name, "manifest.") {
			m.Files = append(m.Files, evidence.File{Name: name, Bytes: int64(len(files[name])), SHA256: sha256.Sum256([]byte(files[name]))})
		}
	}
	if key != nil {
		m.PublicKey, m.Fingerprint = public(key), evidence.Fingerprint(public(key))
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	files["manifest.json"] = string(text) + "\n"
	if key != nil {
		files["manifest.sig"] = string(ed25519.Sign(key, []byte(files["manifest.json"])))
	}
}

// lines changes the lines of a file.
func lines(name string, change func(all []string) []string) func(map[string]string) {
	return func(files map[string]string) {
		all := strings.SplitAfter(files[name], "\n")
		files[name] = strings.Join(change(all[:len(all)-1]), "")
	}
}

// replaced changes a text in a file, once.
func replaced(name, old, text string) func(map[string]string) {
	return func(files map[string]string) { files[name] = strings.Replace(files[name], old, text, 1) }
}

// headers changes the headers.
func headers(change func(all []string) []string) func(map[string]string) {
	return func(files map[string]string) {
		var all []string
		for raw := files["headers.bin"]; raw != ""; raw = raw[journal.HeaderSize:] {
			all = append(all, raw[:journal.HeaderSize])
		}
		files["headers.bin"] = strings.Join(change(all), "")
	}
}

func swapped(i, j int) func([]string) []string {
	return func(all []string) []string {
		all[i], all[j] = all[j], all[i]
		return all
	}
}

func without(i int) func([]string) []string {
	return func(all []string) []string { return slices.Delete(all, i, i+1) }
}

func again(i, at int) func([]string) []string {
	return func(all []string) []string { return slices.Insert(all, at, all[i]) }
}

func flipped(i int) func([]string) []string {
	return func(all []string) []string {
		b := []byte(all[i])
		b[len(b)-1] ^= 1
		all[i] = string(b)
		return all
	}
}

// TestFirstThingThatDoesNotHold: whatever a forger changes, the flaw names it, also when he made the manifest say what
// the files are and signed it with a key of his own.
func TestFirstThingThatDoesNotHold(t *testing.T) {
	s, key := filled(t), keyOf(1)
	whole := exported(t, s, key)
	text := lang.New(lang.EN)
	own, other := evidence.Fingerprint(public(key)), evidence.Fingerprint(public(keyOf(2)))
	unsigned := "manifest.json was changed: the signature is not that of the key " + own
	for _, tc := range []struct {
		name   string
		change func(files map[string]string)
		want   string // as it is
		forged string // with a manifest to match: "" the same, "-" the signature
	}{
		{
			name: "a byte of a message", change: replaced("frames.jsonl", `[3,"3",{}]`, `[3,"7",{}]`),
			want: "the frame at position 14 (connection conn-0, number 8) was changed",
		},
		{
			name: "a byte that breaks the line", change: replaced("frames.jsonl", `[3,"3",{}]`, `[3,"3",{}[`),
			want: "the frame at position 14 (connection conn-0, number 8) was changed",
		},
		{
			name: "a time of receipt", change: replaced("frames.jsonl", "12:04:00Z", "12:04:01Z"),
			want: "the frame at position 17 (connection conn-0, number 9) was changed",
		},
		{
			name: "a position", change: replaced("frames.jsonl", `"pos":17`, `"pos":18`),
			want: "the frame at position 17 (connection conn-0, number 9) bears another position: 18",
		},
		{
			name: "two frames change places", change: lines("frames.jsonl", swapped(2, 5)),
			want: "the frame at position 13 (connection conn-0, number 7) was moved: line 3 of frames.jsonl holds another one",
		},
		{
			name: "a frame is taken out", change: lines("frames.jsonl", without(4)),
			want: "the frame at position 17 (connection conn-0, number 9) was removed",
		},
		{
			name: "the first frame is taken out", change: lines("frames.jsonl", without(0)),
			want: "the frame at position 9 (connection conn-0, number 5) was removed",
		},
		{
			name: "the last frame is taken out", change: lines("frames.jsonl", without(11)),
			want: "the frame at position 30 (connection conn-0, number 16) was removed",
		},
		{
			name: "a frame stands there again", change: lines("frames.jsonl", again(3, 4)),
			want: "the frame at position 14 (connection conn-0, number 8) stands there again, in line 5 of frames.jsonl",
		},
		{
			name: "the last frame stands there again", change: lines("frames.jsonl", again(11, 12)),
			want: "the frame at position 30 (connection conn-0, number 16) stands there again, in line 13 of frames.jsonl",
		},
		{
			name: "a frame is put in", change: lines("frames.jsonl", func(all []string) []string {
				return slices.Insert(all, 1, strings.Replace(all[1], `"3"`, `"x"`, 1), strings.Replace(all[1], `"2"`, `"x"`, 1))[:]
			}),
			want: "line 3 of frames.jsonl holds a frame that was not in the journal",
		},
		{
			name: "the last frame is taken out of the blocks too", change: func(files map[string]string) {
				lines("frames.jsonl", without(11))(files)
				replaced("blocks.jsonl", `,{"index":1,"conn":"conn-0","seq":16}`, "")(files)
			},
			want: "blocks.jsonl was changed", forged: "-",
		},
		{
			name: "a leaf", change: func(files map[string]string) {
				i := strings.Index(files["blocks.jsonl"], `"leaves":["`) + len(`"leaves":["`)
				files["blocks.jsonl"] = files["blocks.jsonl"][:i] + strings.Repeat("0", 64) + files["blocks.jsonl"][i+64:]
			},
			want: "what blocks.jsonl says of block 3 (frames 9 to 12) is not what the journal held",
		},
		{
			name: "the number of a frame in a block", change: replaced("blocks.jsonl", `"seq":8`, `"seq":9`),
			want: "blocks.jsonl was changed",
		},
		{
			name: "two headers change places", change: headers(swapped(3, 5)),
			want: "the header of block 8 was moved: that of block 6 stands in its place",
		},
		{
			name: "a header is taken out", change: headers(without(4)),
			want: "the header of block 7 was removed",
		},
		{
			name: "the first header is taken out", change: headers(without(0)),
			want: "the header of block 3 was removed",
		},
		{
			name: "the last header is taken out", change: headers(without(8)),
			want: "the header of block 11 was removed",
		},
		{
			name: "a byte of a header", change: headers(flipped(6)),
			want: "the header of block 9 was changed",
		},
		{
			name: "headers are cut", change: func(files map[string]string) { files["headers.bin"] = files["headers.bin"][:100] },
			want: "headers.bin was changed",
		},
		{
			name: "the time of the anchor", change: replaced("anchor.json", "13:00:00Z", "13:00:01Z"),
			want: "the anchor of block 11 was changed: its signature does not fit",
		},
		{
			name: "the anchor is no JSON", change: replaced("anchor.json", "{", "["),
			want: "anchor.json was changed",
		},
		{
			name: "the energy of the incident", change: replaced("incident.json", `"energy_wh": 50`, `"energy_wh": 5`),
			want: "incident.json was changed", forged: "-",
		},
		{
			name: "the report", change: replaced("report.en.html", "<p>", "<b>"),
			want: "report.en.html was changed", forged: "-",
		},
		{
			name: "a file is taken out", change: func(files map[string]string) { delete(files, "report.en.html") },
			want: "report.en.html was removed", forged: "-",
		},
		{
			name: "the frames are taken out", change: func(files map[string]string) { delete(files, "frames.jsonl") },
			want: "frames.jsonl was removed",
		},
		{
			name: "a file is put in", change: func(files map[string]string) { files["more.txt"] = "" },
			want: "more.txt was added", forged: "-",
		},
		{
			name: "another signature", change: func(files map[string]string) { files["manifest.sig"] = strings.Repeat("x", 64) },
			want: unsigned, forged: "-",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := unpack(t, whole)
			tc.change(files)
			found(t, "as it is", tc.want, files, nil)
			if tc.forged == "-" {
				tc.want = unsigned
			}
			forge(t, files, nil)
			found(t, "with a manifest to match", tc.want, files, nil)
		})
	}
	t.Run("signed with another key", func(t *testing.T) {
		files := unpack(t, whole)
		replaced("incident.json", `"energy_wh": 50`, `"energy_wh": 5`)(files)
		forge(t, files, keyOf(2))
		found(t, "the anchor is left", "the manifest names the key "+other+", the anchor "+own+": one of them was changed", files, nil)
		theirs := exported(t, s, keyOf(2))
		if res := verify(t, theirs, nil); res.Flaw != nil || res.Manifest.PublicKey.Equal(public(key)) {
			t.Errorf("a case of another key does not verify by itself: %+v", res.Flaw)
		}
		found(t, "all of it", "it was signed with the key "+other+", not with "+own, unpack(t, theirs), public(key))
	})
	if flaw := verify(t, whole, nil).Flaw; flaw != nil {
		t.Errorf("a case that nobody changed: %s", text.T("flaw."+flaw.Code, flaw.Args...))
	}
}

// numbered makes an anchor one of another block.
func numbered(t *testing.T, text string, block uint64, key ed25519.PrivateKey) string {
	t.Helper()
	var a map[string]any
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	hash, err := hex.DecodeString(a["hash"].(string))
	if err != nil {
		t.Fatal(err)
	}
	at, _, _ := hayalet.ParseInstant(a["at"].(string))
	signed := append(binary.BigEndian.AppendUint64([]byte("hja1"), block), hash...)
	a["block"], a["signature"] = block, ed25519.Sign(key, binary.BigEndian.AppendUint64(signed, uint64(at)))
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSignedLiesShow: whoever holds the key cannot make one station's frames, or one incident, pass for another's.
func TestSignedLiesShow(t *testing.T) {
	s, key := filled(t), keyOf(1)
	whole := exported(t, s, key)
	for name, tc := range map[string]struct {
		change func(files map[string]string)
		want   string
	}{
		"station": {
			replaced("manifest.json", `"station": "CP 1"`, `"station": "other"`),
			"the frame at position 9 (connection conn-0, number 5) is of station CP 1, and the manifest names other",
		},
		"frames": {replaced("manifest.json", `"frames": 12`, `"frames": 13`), "the manifest speaks of frames: 13, and there are 12"},
		"frames that are not listed": {
			func(files map[string]string) {
				lines("frames.jsonl", without(11))(files)
				replaced("blocks.jsonl", `,{"index":1,"conn":"conn-0","seq":16}`, "")(files)
			},
			"the manifest speaks of frames: 12, and there are 11",
		},
		"incident":            {replaced("manifest.json", `"incident": "k1"`, `"incident": "k2"`), "incident.json is not of the incident that the manifest names, k2"},
		"rule":                {replaced("manifest.json", `"PE-01"`, `"PE-02"`), "incident.json is not of the incident that the manifest names, k1"},
		"connector":           {replaced("incident.json", `"connector": 1`, `"connector": 2`), "incident.json is not of the incident that the manifest names, k1"},
		"incident is no JSON": {replaced("incident.json", `{`, `[`), "incident.json is not of the incident that the manifest names, k1"},
		"anchor of another block": {
			func(files map[string]string) { files["anchor.json"] = numbered(t, files["anchor.json"], 12, key) },
			"the header of block 12 was moved: that of block 11 stands in its place",
		},
		"incident is left out": {func(files map[string]string) { delete(files, "incident.json") }, "incident.json was removed"},
	} {
		files := unpack(t, whole)
		tc.change(files)
		forge(t, files, key)
		found(t, name, tc.want, files, public(key))
	}
}

// TestFileListedTwice is refused before anything is read as often as a manifest likes.
func TestFileListedTwice(t *testing.T) {
	files := unpack(t, exported(t, filled(t), keyOf(1)))
	_, list, _ := strings.Cut(files["manifest.json"], `"files": [`)
	first, _, _ := strings.Cut(list, "}")
	replaced("manifest.json", `"files": [`, `"files": [`+strings.Repeat(first+"},", 1000))(files)
	files["manifest.sig"] = string(ed25519.Sign(keyOf(1), []byte(files["manifest.json"])))
	found(t, "listed twice", "the manifest lists README.txt twice", files, public(keyOf(1)))
}

// found wants the flaw in words.
func found(t *testing.T, how, want string, files map[string]string, key ed25519.PublicKey) {
	t.Helper()
	res := verify(t, pack(t, files), key)
	if res.Flaw == nil {
		t.Errorf("%s: it verifies, want %q", how, want)
		return
	}
	if got := lang.New(lang.EN).T("flaw."+res.Flaw.Code, res.Flaw.Args...); got != want {
		t.Errorf("%s:\n got %q\nwant %q", how, got, want)
	}
}

// TestDocsCheckACase: the program of docs/evidence.md, which knows nothing of ours, says the same of a case. It needs Python.
func TestDocsCheckACase(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here: the program of docs/evidence.md is not tried")
	}
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(page), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	dir := t.TempDir()
	check := func(data []byte) string {
		if err := os.WriteFile(filepath.Join(dir, "case.zip"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), python, "-c", program, "case.zip")
		cmd.Dir = dir
		said, _ := cmd.CombinedOutput() // what it says tells how it ended
		return string(said)
	}
	whole := exported(t, filled(t), keyOf(1))
	if said := check(whole); said != "12 frames hold\n" {
		t.Errorf("it says of a case that nobody changed: %s", said)
	}
	over := holed(t, 1)
	if said := check(overHoles(t, over, keyOf(1), 11)); said != "8 frames hold\n" {
		t.Errorf("it says of a case over a hole: %s", said)
	}
	signed, err := os.ReadFile(filepath.Join(dir, "hole-5.bytes"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := os.ReadFile(filepath.Join(dir, "hole-5.sig"))
	if err != nil || !ed25519.Verify(public(keyOf(1)), signed, sig) {
		t.Errorf("what it writes of the hole is not what was signed: %v", err)
	}
	bare := unpack(t, overHoles(t, over, keyOf(1), 11))
	delete(bare, "dropped.json")
	if said := check(pack(t, bare)); !strings.Contains(said, "AssertionError") {
		t.Errorf("it says of a case without the record of its hole: %s", said)
	}
	files := unpack(t, whole)
	lines("frames.jsonl", swapped(2, 5))(files)
	if said := check(pack(t, files)); !strings.Contains(said, "a frame was changed, removed or moved") {
		t.Errorf("it says of one in which frames changed places: %s", said)
	}
}

// TestDamagedZIP: a byte of the ZIP is a file that is damaged; half of one is no case.
func TestDamagedZIP(t *testing.T) {
	whole := exported(t, filled(t), keyOf(1))
	for size := 0; size < len(whole); size += 97 {
		if _, err := evidence.Verify(bytes.NewReader(whole[:size]), int64(size), evidence.Known{}); err == nil {
			t.Fatalf("%d bytes of %d are a case", size, len(whole))
		}
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range unpack(t, whole) {
		addFile(t, z, name, text)
	}
	addFile(t, z, "incident.json", "{}")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if res := verify(t, out.Bytes(), nil); res.Flaw == nil || res.Flaw.Code != "file-twice" {
		t.Errorf("a file that stands there twice: %+v", res.Flaw)
	}
	for i := 0; i < len(whole); i += 31 {
		bent := slices.Clone(whole)
		bent[i] ^= 0x10
		res, err := evidence.Verify(bytes.NewReader(bent), int64(len(bent)), evidence.Known{Key: public(keyOf(1))})
		if err == nil && res.Flaw == nil && !maps.Equal(unpack(t, bent), unpack(t, whole)) {
			t.Fatalf("byte %d of the ZIP can be changed unseen", i)
		}
	}
}

// TestBombsAreRefused: a ZIP that says or hides that it unpacks to more than a case may hold, or has too many files.
func TestBombsAreRefused(t *testing.T) {
	many := unpack(t, exported(t, filled(t), keyOf(1)))
	for i := range 64 {
		many[strings.Repeat("x", i+1)] = ""
	}
	for name, data := range map[string][]byte{
		"many files": pack(t, many), "one that says so": bomb(t, 300<<20), "one that hides it": bomb(t, 10), "nothing": nil, "no case": pack(t, map[string]string{"a": "b"}),
	} {
		if _, err := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{}); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

// bomb is a ZIP whose manifest unpacks to 4 MiB and says another size.
func bomb(t *testing.T, says uint64) []byte {
	t.Helper()
	var packed, out bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err == nil {
		_, err = deflate.Write(make([]byte, 4<<20))
	}
	if err != nil || deflate.Close() != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&out)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "manifest.json", Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: says})
	if err == nil {
		_, err = w.Write(packed.Bytes())
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzVerify: whatever is changed in the bytes of a case, it verifies with the key only if no file was changed.
func FuzzVerify(f *testing.F) {
	key := keyOf(1)
	whole := exported(f, filled(f), key)
	want := unpack(f, whole)
	f.Add(0, byte(1), len(whole))
	f.Add(400, byte(8), len(whole))
	f.Add(len(whole)-30, byte(0), len(whole)-4)
	f.Fuzz(func(t *testing.T, at int, bits byte, size int) {
		data := slices.Clone(whole[:max(0, min(size, len(whole)))])
		if at >= 0 && at < len(data) {
			data[at] ^= bits
		}
		res, err := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{Key: public(key)})
		if err == nil && res.Flaw == nil && !maps.Equal(unpack(t, data), want) {
			t.Error("a changed case verifies")
		}
	})
}

// FuzzFiles: whatever stands in the files that are read, the look at them ends with a flaw or an error, and never with a
// panic.
func FuzzFiles(f *testing.F) {
	names := []string{"manifest.json", "anchor.json", "headers.bin", "blocks.jsonl", "frames.jsonl"}
	whole := unpack(f, exported(f, filled(f), keyOf(1)))
	for i, name := range names {
		f.Add(i, whole[name])
	}
	f.Fuzz(func(t *testing.T, which int, text string) {
		if which < 0 || which >= len(names) || whole[names[which]] == text {
			return
		}
		files := maps.Clone(whole)
		files[names[which]] = text
		data := pack(t, files)
		res, err := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.Known{})
		if err == nil && res.Flaw == nil {
			t.Errorf("%s can be changed", names[which])
		}
	})
}
