variable "name" {
  description = "Name of the function, the queue and the rest"
  type        = string
  default     = "penstock"
}

variable "tags" {
  description = "Tags of everything that takes tags"
  type        = map(string)
  default     = {}
}

variable "zip" {
  description = "Path of lambda.zip, as make lambda.zip writes it"
  type        = string
  default     = null
}

variable "zip_object" {
  description = "lambda.zip in S3, in the place of a path"
  type        = object({ bucket = string, key = string, version = optional(string) })
  default     = null
}

variable "architecture" {
  description = "arm64 or x86_64; the zip must be built for it, for x86_64 with make lambda.zip ARCH=amd64"
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture is arm64 or x86_64."
  }
}

variable "domain_endpoint" {
  description = "Endpoint of the domain, https://…"
  type        = string
}

variable "domain_arn" {
  description = "ARN of the domain, arn:aws:es:REGION:ACCOUNT:domain/NAME, or of the serverless collection, arn:aws:aoss:REGION:ACCOUNT:collection/ID"
  type        = string
}

variable "index_prefix" {
  description = "Literal beginning of the names of indexes for objects; log events go to cwl-*"
  type        = string
  default     = "logs-"
}

variable "put_templates" {
  description = "Let the function put index templates that are not there yet when it delivers for the first time"
  type        = bool
  default     = false
}

variable "settings" {
  description = "penstock.yaml, in YAML or JSON: any setting, routes, rules. It is kept in a parameter of SSM and read from there"
  type        = string
  default     = null
}

variable "source_buckets" {
  description = "Buckets whose new objects are shipped, each with the prefixes below which objects may be read, or [] for all. Their notifications for s3:ObjectCreated:* go to the queue"
  type        = map(list(string))
}

variable "source_accounts" {
  description = "Accounts that own the buckets; this one when empty"
  type        = list(string)
  default     = []
}

variable "source_kms_key_arns" {
  description = "Keys that the objects are encrypted with, when they are encrypted with yours"
  type        = list(string)
  default     = []
}

variable "topic_arns" {
  description = "SNS topics that may send notifications of the buckets to the queue"
  type        = list(string)
  default     = []
}

variable "subscribe_topics" {
  description = "Subscribe the queue to topic_arns; a topic of another account has to admit that"
  type        = bool
  default     = false
}

variable "eventbridge" {
  description = "Take the buckets' events from EventBridge, by a rule that this module makes; the buckets send them there when that is switched on in their properties"
  type        = bool
  default     = false
}

variable "rule_arns" {
  description = "Further EventBridge rules that may send to the queue, also those of other accounts"
  type        = list(string)
  default     = []
}

variable "role_arn" {
  description = "Role of the function, with the permissions that this module gives to its own; one is made when null"
  type        = string
  default     = null
}

variable "role_path" {
  description = "Path of the role that is made"
  type        = string
  default     = "/"
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role that is made"
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "Key for the queues, the dead letters and the function's log. Its policy has to admit S3, SNS, EventBridge and CloudWatch Logs as far as they send. Keys that AWS keeps when null"
  type        = string
  default     = null
}

variable "letters_days" {
  description = "Days after which dead letters are deleted; 0: never"
  type        = number
  default     = 0
}

variable "log_days" {
  description = "Days after which the function's own log is deleted"
  type        = number
  default     = 30
}

variable "log_group_arns" {
  description = "Wildcard ARN of the log groups that may invoke the function, arn:aws:logs:REGION:ACCOUNT:log-group:/app/*:*"
  type        = string
  default     = null
}

variable "subscribe" {
  description = "Log groups to subscribe; log_group_arns must cover them"
  type        = set(string)
  default     = []
}

variable "subscribe_account" {
  description = "Subscribe every log group of the account and region but the function's own; log_group_arns must cover them"
  type        = bool
  default     = false
}

variable "environment" {
  description = "More PENSTOCK_ variables"
  type        = map(string)
  default     = {}
}

variable "memory_size" {
  description = "Memory in MB; CPU grows with it"
  type        = number
  default     = 256
}

variable "timeout" {
  description = "Timeout in seconds"
  type        = number
  default     = 300
}

variable "maximum_concurrency" {
  description = "Most batches handled at once; protects the domain"
  type        = number
  default     = 10
}

variable "reserved_concurrency" {
  description = "Most invocations at once, log events included; -1 is what the account allows"
  type        = number
  default     = -1
}

variable "subnet_ids" {
  description = "Subnets for a domain in a VPC"
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups for a domain in a VPC"
  type        = list(string)
  default     = []
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms"
  type        = list(string)
  default     = []
}
