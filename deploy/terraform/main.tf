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
  account       = data.aws_caller_identity.this.account_id
  is_collection = split(":", var.domain_arn)[2] == "aoss"
  put_templates = var.put_templates && !local.is_collection
  s3            = "arn:${data.aws_partition.this.partition}:s3:::"
  bucket_arns   = [for name, prefixes in var.source_buckets : "${local.s3}${name}"]
  object_arns = flatten([
    for name, prefixes in var.source_buckets : [
      for prefix in(length(prefixes) > 0 ? prefixes : [""]) : "${local.s3}${name}/${prefix}*"
    ]
  ])
  # Who may send to the queue beside the buckets.
  senders = [
    { sid = "Topics", service = "sns.amazonaws.com", arns = var.topic_arns },
    { sid = "Rule", service = "events.amazonaws.com", arns = aws_cloudwatch_event_rule.objects[*].arn },
    { sid = "Rules", service = "events.amazonaws.com", arns = var.rule_arns },
  ]
  role_arn = var.role_arn != null ? var.role_arn : aws_iam_role.function[0].arn
}

resource "aws_sqs_queue" "failed" {
  name                      = "${var.name}-failed"
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600
  tags                      = var.tags
}

resource "aws_sqs_queue" "objects" {
  name                    = var.name
  sqs_managed_sse_enabled = var.kms_key_arn == null ? true : null
  kms_master_key_id       = var.kms_key_arn
  tags                    = var.tags
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
    sid       = "Notify"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.objects.arn]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = local.bucket_arns
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = length(var.source_accounts) > 0 ? var.source_accounts : [local.account]
    }
  }
  dynamic "statement" {
    for_each = [for s in local.senders : s if length(s.arns) > 0]
    content {
      sid       = statement.value.sid
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.objects.arn]
      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }
      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = statement.value.arns
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "objects" {
  count       = var.eventbridge ? 1 : 0
  name        = var.name
  description = "New objects of the buckets go to penstock"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created", "Object Restore Completed"]
    resources     = local.bucket_arns
  })
  tags = var.tags
}

resource "aws_cloudwatch_event_target" "objects" {
  count = var.eventbridge ? 1 : 0
  rule  = aws_cloudwatch_event_rule.objects[0].name
  arn   = aws_sqs_queue.objects.arn
}

resource "aws_sns_topic_subscription" "objects" {
  for_each  = toset(var.subscribe_topics ? var.topic_arns : [])
  topic_arn = each.value
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.objects.arn
}

resource "aws_sqs_queue_policy" "objects" {
  queue_url = aws_sqs_queue.objects.id
  policy    = data.aws_iam_policy_document.queue.json
}

resource "aws_s3_bucket" "dead_letters" {
  bucket_prefix = "${var.name}-dead-letters-"
  tags          = var.tags
}

resource "aws_s3_bucket_server_side_encryption_configuration" "dead_letters" {
  bucket = aws_s3_bucket.dead_letters.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
    bucket_key_enabled = var.kms_key_arn == null ? null : true
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "dead_letters" {
  bucket = aws_s3_bucket.dead_letters.id
  rule {
    id     = "uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  dynamic "rule" {
    for_each = var.letters_days > 0 ? [1] : []
    content {
      id     = "letters"
      status = "Enabled"
      filter {
        prefix = "letters/"
      }
      expiration {
        days = var.letters_days
      }
    }
  }
}

data "aws_iam_policy_document" "dead_letters" {
  statement {
    sid       = "OnlyTLS"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.dead_letters.arn, "${aws_s3_bucket.dead_letters.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "dead_letters" {
  bucket = aws_s3_bucket.dead_letters.id
  policy = data.aws_iam_policy_document.dead_letters.json
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
  count                = var.role_arn == null ? 1 : 0
  name_prefix          = "${var.name}-"
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  tags                 = var.tags
}

data "aws_iam_policy_document" "function" {
  dynamic "statement" {
    for_each = local.is_collection ? [] : [1]
    content {
      sid       = "Deliver"
      actions   = ["es:ESHttpPost"]
      resources = ["${var.domain_arn}/_bulk"]
    }
  }
  dynamic "statement" {
    for_each = local.is_collection ? [] : [1]
    content {
      sid       = "Banner"
      actions   = ["es:ESHttpGet"]
      resources = ["${var.domain_arn}/"]
    }
  }
  # What it may do there is said by the collection's data access policy.
  dynamic "statement" {
    for_each = local.is_collection ? [1] : []
    content {
      sid       = "Collection"
      actions   = ["aoss:APIAccessAll"]
      resources = [var.domain_arn]
    }
  }
  dynamic "statement" {
    for_each = local.put_templates ? [1] : []
    content {
      sid       = "PutTemplates"
      actions   = ["es:ESHttpGet", "es:ESHttpPut"]
      resources = ["${var.domain_arn}/_index_template/penstock-*", "${var.domain_arn}/_template/penstock-*"]
    }
  }
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = local.object_arns
  }
  statement {
    # Without it a missing object looks like a forbidden one.
    sid       = "TellMissingFromForbidden"
    actions   = ["s3:ListBucket"]
    resources = local.bucket_arns
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
    for_each = length(var.source_kms_key_arns) > 0 ? [1] : []
    content {
      sid       = "Decrypt"
      actions   = ["kms:Decrypt"]
      resources = var.source_kms_key_arns
    }
  }
  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Encrypt"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
  dynamic "statement" {
    for_each = var.settings == null ? [] : [1]
    content {
      sid       = "Settings"
      actions   = ["ssm:GetParameter"]
      resources = [aws_ssm_parameter.settings[0].arn]
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
  count  = var.role_arn == null ? 1 : 0
  role   = aws_iam_role.function[0].id
  policy = data.aws_iam_policy_document.function.json
}

resource "aws_ssm_parameter" "settings" {
  count       = var.settings == null ? 0 : 1
  name        = "/${var.name}/settings"
  description = "Settings of penstock; the function looks at them again every 30 seconds"
  type        = "String"
  tier        = "Intelligent-Tiering"
  value       = var.settings
  tags        = var.tags
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  function_name    = var.name
  role             = local.role_arn
  filename         = var.zip
  source_code_hash = var.zip == null ? null : filebase64sha256(var.zip)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = var.memory_size
  timeout          = var.timeout
  tags             = var.tags

  s3_bucket         = var.zip_object == null ? null : var.zip_object.bucket
  s3_key            = var.zip_object == null ? null : var.zip_object.key
  s3_object_version = var.zip_object == null ? null : var.zip_object.version

  reserved_concurrent_executions = var.reserved_concurrency

  environment {
    variables = merge({
      PENSTOCK_DOMAIN         = var.domain_endpoint
      PENSTOCK_DEAD_LETTERS   = "s3://${aws_s3_bucket.dead_letters.id}/letters"
      PENSTOCK_CONTINUE_QUEUE = aws_sqs_queue.objects.url
      },
      # What is not asked for here is left to the settings.
      var.index_prefix == "logs-" ? {} : { PENSTOCK_INDEX = "${var.index_prefix}{format}-{yyyy.MM.dd}" },
      local.put_templates ? { PENSTOCK_PUT_TEMPLATES = "true" } : {},
      var.settings == null ? {} : { PENSTOCK_CONFIG = "ssm:${aws_ssm_parameter.settings[0].name}" },
    var.environment)
  }

  lifecycle {
    precondition {
      condition     = (var.zip == null) != (var.zip_object == null)
      error_message = "Give zip, a file, or zip_object, an object in S3."
    }
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
  tags                = var.tags
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
  tags                = var.tags
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
  tags                = var.tags
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
  tags                = var.tags
}
