# penstock as a Lambda function: new objects of a bucket and log events of CloudWatch Logs go, signed, into an Amazon
# OpenSearch Service domain.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.40" }
  }
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  account    = data.aws_caller_identity.this.account_id
  bucket_arn = "arn:${data.aws_partition.this.partition}:s3:::${var.source_bucket}"
}

resource "aws_sqs_queue" "failed" {
  name                      = "${var.name}-failed"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "objects" {
  name                    = var.name
  sqs_managed_sse_enabled = true
  # Six times the timeout of the function, as the Lambda guide asks for.
  visibility_timeout_seconds = 6 * var.timeout
  message_retention_seconds  = 1209600
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = 5
  })
}

data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.objects.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.bucket_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sqs_queue_policy" "objects" {
  queue_url = aws_sqs_queue.objects.id
  policy    = data.aws_iam_policy_document.queue.json
}

resource "aws_s3_bucket" "dead_letters" {
  bucket_prefix = "${var.name}-dead-letters-"
}

resource "aws_s3_bucket_server_side_encryption_configuration" "dead_letters" {
  bucket = aws_s3_bucket.dead_letters.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "dead_letters" {
  bucket                  = aws_s3_bucket.dead_letters.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name_prefix        = "${var.name}-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "function" {
  statement {
    sid       = "Deliver"
    actions   = ["es:ESHttpPost"]
    resources = ["${var.domain_arn}/_bulk"]
  }
  statement {
    sid       = "Banner"
    actions   = ["es:ESHttpGet"]
    resources = ["${var.domain_arn}/"]
  }
  dynamic "statement" {
    for_each = var.put_templates ? [1] : []
    content {
      sid       = "PutTemplates"
      actions   = ["es:ESHttpGet", "es:ESHttpPut"]
      resources = ["${var.domain_arn}/_index_template/penstock-*", "${var.domain_arn}/_template/penstock-*"]
    }
  }
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${local.bucket_arn}/${var.source_prefix}*"]
  }
  statement {
    # Without it a missing object looks like a forbidden one.
    sid       = "TellMissingFromForbidden"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
  }
  statement {
    sid       = "DeadLetters"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.dead_letters.arn}/letters/*"]
  }
  statement {
    sid       = "Queue"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"]
    resources = [aws_sqs_queue.objects.arn]
  }
  statement {
    sid       = "FailedEvents"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]
  }
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }
  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Decrypt"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
  dynamic "statement" {
    for_each = length(var.subnet_ids) > 0 ? [1] : []
    content {
      sid = "Network"
      actions = [
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "function" {
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 30
}

resource "aws_lambda_function" "this" {
  function_name    = var.name
  role             = aws_iam_role.function.arn
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = var.memory_size
  timeout          = var.timeout

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge({
      PENSTOCK_DOMAIN         = var.domain_endpoint
      PENSTOCK_INDEX          = "${var.index_prefix}{format}-{yyyy.MM.dd}"
      PENSTOCK_PUT_TEMPLATES  = tostring(var.put_templates)
      PENSTOCK_DEAD_LETTERS   = "s3://${aws_s3_bucket.dead_letters.id}/letters"
      PENSTOCK_CONTINUE_QUEUE = aws_sqs_queue.objects.url
    }, var.environment)
  }

  dynamic "vpc_config" {
    for_each = length(var.subnet_ids) > 0 ? [1] : []
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

# Asynchronous events (CloudWatch Logs) that fail three times rest beside the messages.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name          = aws_lambda_function.this.function_name
  maximum_retry_attempts = 2
  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed.arn
    }
  }
}

resource "aws_lambda_event_source_mapping" "objects" {
  event_source_arn        = aws_sqs_queue.objects.arn
  function_name           = aws_lambda_function.this.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = var.maximum_concurrency
  }
}

# One statement with a wildcard serves every log group; one statement for each would outgrow the policy.
resource "aws_lambda_permission" "logs" {
  count          = var.log_group_arns == null ? 0 : 1
  statement_id   = "cloudwatch-logs"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this.function_name
  principal      = "logs.amazonaws.com"
  source_account = local.account
  source_arn     = var.log_group_arns
}

resource "aws_cloudwatch_log_subscription_filter" "this" {
  for_each        = var.subscribe
  name            = var.name
  log_group_name  = each.value
  filter_pattern  = ""
  destination_arn = aws_lambda_function.this.arn
  depends_on      = [aws_lambda_permission.logs]

  lifecycle {
    precondition {
      condition     = each.value != "/aws/lambda/${var.name}"
      error_message = "The function must not be subscribed to its own log group: it would feed itself."
    }
  }
}

resource "aws_cloudwatch_log_account_policy" "this" {
  count       = var.subscribe_account ? 1 : 0
  policy_name = var.name
  policy_type = "SUBSCRIPTION_FILTER_POLICY"
  scope       = "ALL"
  policy_document = jsonencode({
    DestinationArn = aws_lambda_function.this.arn
    FilterPattern  = ""
    Distribution   = "Random"
  })
  # The function would feed itself with its own log.
  selection_criteria = "LogGroupName NOT IN [\"${aws_cloudwatch_log_group.function.name}\"]"
  depends_on         = [aws_lambda_permission.logs]
}

resource "aws_cloudwatch_metric_alarm" "failed_messages" {
  alarm_name          = "${var.name}-failed-messages"
  alarm_description   = "Messages or events that kept failing wait in the dead-letter queue"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failed.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "Records that the domain will never take are in the dead letters"
  namespace           = "penstock"
  metric_name         = "RecordsDeadLettered"
  dimensions          = { Function = var.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name          = "${var.name}-age"
  alarm_description   = "The oldest message waits for more than an hour"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.objects.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  threshold           = 3600
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "Invocations fail; the function's log says why"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}
