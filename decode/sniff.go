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
	xerialStream
	hadoopStream
	snappyAlone
	zipArchive
	tarArchive
	parquetFile
	avroFile
	// From here on: recognised, so that they are not taken for text, and not read.
	orcFile
	compressFile
	sevenZipFile
	rarFile
	eventLog
	oldEventLog
	journalFile
	lzipFile
	lzoFile
	arrowFile
	saltedFile
	ageFile
	pgpFile
	sealedParquetFile
)

func (c container) String() string {
	return [...]string{
		"plain", "gzip", "zstd", "bzip2", "xz", "lz4", "snappy", "snappy-java", "Hadoop snappy", "snappy block", "zip", "tar",
		"Parquet", "Avro", "ORC", "compress (.Z)", "7z", "RAR",
		"Windows event log (EVTX)", "Windows event log (EVT)", "systemd journal", "lzip", "LZO", "Arrow",
		"encrypted (OpenSSL)", "encrypted (age)", "encrypted (PGP)", "encrypted Parquet",
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
	case has(xerialMagic) && len(head) >= xerialHeader:
		return xerialStream
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return zipArchive
	case isTar(head):
		return tarArchive
	case has("PAR1"):
		return parquetFile
	case has("PARE"):
		return sealedParquetFile
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
	case has("ElfFile\x00"):
		return eventLog
	case has("\x30\x00\x00\x00LfLe"):
		return oldEventLog
	case has("LPKSHHRH"):
		return journalFile
	case has("LZIP\x01"):
		return lzipFile
	case has("\x89LZO\x00\r\n\x1a\n"):
		return lzoFile
	case has("ARROW1\x00\x00"):
		return arrowFile
	case has("Salted__") && !isASCII(head[len("Salted__"):]):
		return saltedFile
	case has("age-encryption.org/v1\n"), has("-----BEGIN AGE ENCRYPTED FILE-----"):
		return ageFile
	case has("-----BEGIN PGP MESSAGE-----"):
		return pgpFile
	case isHadoopSnappy(head):
		return hadoopStream
	}
	return plainBytes
}

// isASCII reports whether bytes are lines of ASCII text.
func isASCII(b []byte) bool {
	return bytes.IndexFunc(b, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' && r != '\r' && r != '\n' }) < 0
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
