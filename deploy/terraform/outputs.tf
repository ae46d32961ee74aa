output "function_arn" {
  description = "Destination of subscription filters"
  value       = aws_lambda_function.this.arn
}

output "role_arn" {
  description = "Principal to admit in the domain's access policy"
  value       = local.role_arn
}

output "queue_arn" {
  description = "Target of the buckets' notifications"
  value       = aws_sqs_queue.objects.arn
}

output "dead_letter_bucket" {
  description = "Where undeliverable records rest"
  value       = aws_s3_bucket.dead_letters.id
}

output "failed_queue_arn" {
  description = "Where messages wait that kept failing; the state machines of deploy/stepfunctions set batches aside there"
  value       = aws_sqs_queue.failed.arn
}

output "failed_queue_url" {
  description = "URL of that queue"
  value       = aws_sqs_queue.failed.url
}
