variable "name" {
  description = "Name of the function, the queue and the rest"
  type        = string
  default     = "penstock"
}

variable "zip" {
  description = "Path of lambda.zip, as make lambda.zip writes it"
  type        = string
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
  description = "ARN of the domain, arn:aws:es:REGION:ACCOUNT:domain/NAME"
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

variable "source_bucket" {
  description = "Bucket whose new objects are shipped; point its notifications for s3:ObjectCreated:* at the queue"
  type        = string
}

variable "source_prefix" {
  description = "Only objects below this prefix may be read"
  type        = string
  default     = ""
}

variable "kms_key_arn" {
  description = "Key that the objects are encrypted with, when they are encrypted with one of yours"
  type        = string
  default     = null
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
