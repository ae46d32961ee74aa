package source

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // S3's choice
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// sum is the checksum of a whole object, taken while it is read, through as many requests as that takes. The SDK's own
// check ends with each answer. A nil sum checks nothing.
//
// An ETag is no checksum here. S3 promises that it is the MD5 of the bytes only by how they were stored and encrypted
// and in which kind of bucket, most of which an answer does not tell, and calls it opaque to those who read.
type sum struct {
	name string
	want []byte
	hash hash.Hash
	crc  *crc // nil when the sum of the whole cannot be made of the sums of parts
}

// askForSum has S3 send the checksum of an object. The SDK would, set to do so, check each answer too.
func askForSum(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("X-Amz-Checksum-Mode", "ENABLED"))
}

// promised returns the checksum in the answer that has the whole object, of several the one that costs least.
func promised(out *s3.GetObjectOutput) *sum {
	for _, c := range []struct {
		name  string
		value *string
		hash  func() hash.Hash
		poly  uint64
	}{
		{"CRC32C", out.ChecksumCRC32C, func() hash.Hash { return crc32.New(castagnoli) }, crc32.Castagnoli},
		{"CRC64NVME", out.ChecksumCRC64NVME, func() hash.Hash { return crc64.New(nvme) }, nvmePoly},
		{"CRC32", out.ChecksumCRC32, func() hash.Hash { return crc32.NewIEEE() }, crc32.IEEE},
		{"SHA1", out.ChecksumSHA1, sha1.New, 0},
		{"SHA256", out.ChecksumSHA256, sha256.New, 0},
	} {
		// The sum of the sums of parts, which ends with their number, does not decode.
		want, err := base64.StdEncoding.DecodeString(aws.ToString(c.value))
		if err != nil || len(want) == 0 {
			continue
		}
		if h := c.hash(); h.Size() == len(want) {
			s := &sum{name: c.name, want: want, hash: h}
			if c.poly > 0 {
				s.crc = &crc{size: 8 * len(want), poly: c.poly, hash: c.hash}
			}
			return s
		}
	}
	return nil
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(nvmePoly)
)

// nvmePoly is 0xad93d23594c93659 with its bits reversed, as the others are.
const nvmePoly = 0x9a6c9329ac4bc9b5

func (s *sum) add(p []byte) {
	if s != nil {
		_, _ = s.hash.Write(p) // never fails
	}
}

func (s *sum) check() error {
	if s == nil {
		return nil
	}
	if got := s.hash.Sum(nil); !bytes.Equal(got, s.want) {
		return s.differs(got)
	}
	return nil
}

func (s *sum) differs(got []byte) error {
	return fmt.Errorf("altered on its way: the %s is %x, that of the object %x", s.name, got, s.want)
}
