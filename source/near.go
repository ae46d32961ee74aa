package source

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// nearMost is the most names that Near gives.
const nearMost = 200

// Near gives the s3:// URLs that begin with a text: of buckets, or of keys up to the next slash. It makes one request
// and gives at most 200, for people who type.
func (s *S3) Near(ctx context.Context, text string) ([]string, error) {
	const scheme = "s3://"
	rest := strings.TrimPrefix(text, scheme)
	bucket, prefix, inside := strings.Cut(rest, "/")
	if !inside {
		out, err := s.client(s.home()).ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil {
			return nil, err
		}
		var near []string
		for _, b := range out.Buckets {
			if name := aws.ToString(b.Name); strings.HasPrefix(name, rest) && len(near) < nearMost {
				near = append(near, scheme+name+"/")
			}
		}
		return near, nil
	}
	if err := checkBucket(bucket); err != nil {
		return nil, err
	}
	var out *s3.ListObjectsV2Output
	err := s.inRegion(bucket, func(c *client) (err error) {
		out, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
			Bucket: &bucket, Prefix: &prefix, Delimiter: aws.String("/"), MaxKeys: aws.Int32(nearMost),
			EncodingType: types.EncodingTypeUrl, RequestPayer: s.payer(),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	keys := make([]*string, 0, len(out.CommonPrefixes)+len(out.Contents))
	for _, p := range out.CommonPrefixes {
		keys = append(keys, p.Prefix)
	}
	for _, o := range out.Contents {
		keys = append(keys, o.Key)
	}
	var near []string
	for _, k := range keys {
		key, err := listedKey(k, out.EncodingType)
		if err != nil {
			return nil, err
		}
		near = append(near, scheme+bucket+"/"+key)
	}
	return near, nil
}
