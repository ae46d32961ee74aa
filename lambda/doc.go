// Package lambda turns the events that announce files or carry log events to a Lambda function into deliveries, and
// their outcome into the answer that the shape of the event expects.
//
// An event is dispatched by its shape, not by configuration: S3 notifications directly, in SQS, in SNS, in SNS in SQS;
// EventBridge events of S3 in the same wrappers; S3 Batch Operations tasks; CloudWatch Logs subscriptions directly and
// through Kinesis; a manual {"bucket","key"} or "s3://bucket/key"; and the function's own continuation messages. Shapes
// may be mixed in one batch.
package lambda
