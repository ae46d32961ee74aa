// Package lambda turns an event of any shape that brings files or log events to a Lambda function into deliveries, and
// the outcome into the answer that shape expects.
//
// An event is dispatched by its shape, not by configuration: S3 notifications directly, in SQS, in SNS, in SNS in SQS;
// EventBridge events of S3 in the same wrappers; S3 Batch Operations tasks; CloudWatch Logs subscriptions directly and
// through Kinesis; a manual {"bucket","key"} or "s3://bucket/key"; and the function's own continuation messages. Shapes
// may be mixed in one batch.
package lambda
