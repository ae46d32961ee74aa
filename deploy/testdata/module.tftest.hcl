# The module with least and with every variable, beside a provider that is mocked: nothing of AWS is asked.
# make test-terraform runs it.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:penstock" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:penstock" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::letters" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/penstock" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:penstock" }
  }
  mock_resource "aws_ssm_parameter" {
    defaults = { arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/penstock/settings" }
  }
}

variables {
  domain_endpoint = "https://search-logs-abc.eu-west-1.es.amazonaws.com"
  domain_arn      = "arn:aws:es:eu-west-1:123456789012:domain/logs"
  source_buckets  = { my-logs = [], my-trail = ["AWSLogs/", "more/"] }
  zip_object      = { bucket = "artifacts", key = "lambda.zip" }
}

run "least" {
  assert {
    condition     = toset(keys(aws_lambda_function.this.environment[0].variables)) == toset(["PENSTOCK_DOMAIN", "PENSTOCK_DEAD_LETTERS", "PENSTOCK_CONTINUE_QUEUE"])
    error_message = "The function has settings that nobody asked for."
  }
  assert {
    condition     = [for s in data.aws_iam_policy_document.queue.statement : s.sid] == ["Notify"]
    error_message = "More than the buckets may send to the queue."
  }
  assert {
    condition     = toset(local.object_arns) == toset(["arn:aws:s3:::my-logs/*", "arn:aws:s3:::my-trail/AWSLogs/*", "arn:aws:s3:::my-trail/more/*"])
    error_message = "The function reads other objects than those below the prefixes."
  }
  assert {
    condition     = output.role_arn == "arn:aws:iam::123456789012:role/made"
    error_message = "The function has no role of its own."
  }
}

run "everything" {
  variables {
    name                     = "orders"
    architecture             = "x86_64"
    zip                      = "testdata.zip"
    zip_object               = null
    memory_size              = 128
    timeout                  = 60
    maximum_concurrency      = 2
    reserved_concurrency     = 5
    index_prefix             = "app-"
    put_templates            = true
    settings                 = "drop: [level=debug]"
    environment              = { PENSTOCK_WORKERS = "2" }
    source_accounts          = ["210987654321"]
    source_kms_key_arns      = ["arn:aws:kms:eu-west-1:123456789012:key/source"]
    topic_arns               = ["arn:aws:sns:eu-west-1:123456789012:new-objects"]
    subscribe_topics         = true
    eventbridge              = true
    rule_arns                = ["arn:aws:events:eu-west-1:210987654321:rule/new-objects"]
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    role_path                = "/logs/"
    kms_key_arn              = "arn:aws:kms:eu-west-1:123456789012:key/mine"
    letters_days             = 30
    log_days                 = 7
    log_group_arns           = "arn:aws:logs:eu-west-1:123456789012:log-group:*"
    subscribe                = ["/app/orders"]
    subscribe_account        = true
    subnet_ids               = ["subnet-1"]
    security_group_ids       = ["sg-1"]
    alarm_actions            = ["arn:aws:sns:eu-west-1:123456789012:alarms"]
    tags                     = { team = "logs" }
  }
  assert {
    condition     = [for s in data.aws_iam_policy_document.queue.statement : s.sid] == ["Notify", "Topics", "Rule", "Rules"]
    error_message = "Topics and rules may not send to the queue."
  }
  assert {
    condition = length(setsubtract(
      ["PENSTOCK_INDEX", "PENSTOCK_PUT_TEMPLATES", "PENSTOCK_CONFIG", "PENSTOCK_WORKERS"],
      keys(aws_lambda_function.this.environment[0].variables),
    )) == 0
    error_message = "A setting does not arrive."
  }
  assert {
    condition = length(setsubtract(
      ["PutTemplates", "Decrypt", "Encrypt", "Settings", "Network"],
      [for s in data.aws_iam_policy_document.function.statement : s.sid],
    )) == 0
    error_message = "The role lacks a permission."
  }
  assert {
    condition     = aws_sqs_queue.objects.kms_master_key_id == var.kms_key_arn
    error_message = "The queue has another key."
  }
  assert {
    condition     = [for r in aws_s3_bucket_lifecycle_configuration.dead_letters.rule : r.id] == ["uploads", "letters"]
    error_message = "The letters have no end."
  }
}

run "collection" {
  variables {
    domain_arn    = "arn:aws:aoss:eu-west-1:123456789012:collection/abc"
    role_arn      = "arn:aws:iam::123456789012:role/mine"
    put_templates = true
  }
  assert {
    condition     = output.role_arn == "arn:aws:iam::123456789012:role/mine" && length(aws_iam_role.function) == 0
    error_message = "A role is made beside the one that is given."
  }
  assert {
    condition     = contains([for s in data.aws_iam_policy_document.function.statement : s.sid], "Collection") && !contains(keys(aws_lambda_function.this.environment[0].variables), "PENSTOCK_PUT_TEMPLATES")
    error_message = "A collection is treated as a domain."
  }
}

run "no_package" {
  command = plan
  variables {
    zip_object = null
  }
  expect_failures = [aws_lambda_function.this]
}

run "own_log" {
  command = plan
  variables {
    log_group_arns = "arn:aws:logs:eu-west-1:123456789012:log-group:*"
    subscribe      = ["/aws/lambda/penstock"]
  }
  expect_failures = [aws_cloudwatch_log_subscription_filter.this]
}
