package decode

import "bytes"

// container is what the first bytes say.
type container uint8

const (
	plainBytes container = iota
	gzipStream
	zstdStream
	bzip2Stream
	xzStream
	lz4Stream
	snappyStream
	zipArchive
	tarArchive
	// From here on: recognised, so that they are not taken for text, and not read.
	parquetFile
	avroFile
	orcFile
	compressFile
	sevenZipFile
	rarFile
)

func (c container) String() string {
	return [...]string{
		"plain", "gzip", "zstd", "bzip2", "xz", "lz4", "snappy", "zip", "tar",
		"Parquet", "Avro", "ORC", "compress (.Z)", "7z", "RAR",
	}[c]
}

// peekSize is what sniff wants to see: a tar header.
const peekSize = 512

// sniff recognises a container by its magic bytes. Where the magic alone could begin a line of text, more is asked for.
func sniff(head []byte) container {
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case has("\x1f\x8b\x08"):
		return gzipStream
	case has("\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return zstdStream // a frame, or a skippable one before it
	case isBzip2(head):
		return bzip2Stream
	case has("\xfd7zXZ\x00"):
		return xzStream
	case has("\x04\x22\x4d\x18"):
		return lz4Stream
	case has("\xff\x06\x00\x00sNaPpY"):
		return snappyStream
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return zipArchive
	case isTar(head):
		return tarArchive
	case has("PAR1"), has("PARE"):
		return parquetFile
	case has("Obj\x01"):
		return avroFile
	case has("ORC") && len(head) > 3 && head[3] < 0x20:
		return orcFile
	case has("\x1f\x9d"):
		return compressFile
	case has("7z\xbc\xaf\x27\x1c"):
		return sevenZipFile
	case has("Rar!\x1a\x07"):
		return rarFile
	}
	return plainBytes
}

// isBzip2 wants the digit of the block size and the magic of the first block, or of the end when there is none.
func isBzip2(head []byte) bool {
	if len(head) < 10 || string(head[:3]) != "BZh" || head[3] < '1' || head[3] > '9' {
		return false
	}
	block := string(head[4:10])
	return block == "1AY&SY" || block == "\x17\x72\x45\x38\x50\x90"
}

func isTar(head []byte) bool { return len(head) >= 262 && string(head[257:262]) == "ustar" }
