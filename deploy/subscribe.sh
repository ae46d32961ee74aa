#!/bin/sh
# Subscribes log groups to the function: deploy/subscribe.sh FUNCTION_ARN PREFIX [FILTER_PATTERN]
#
# Every log group whose name begins with PREFIX gets a subscription filter named penstock, but for the function's own, which
# would feed the function with its own log. Running it again changes nothing. The permission to invoke the function is one
# statement with a wildcard (LogGroupArns in the SAM template, log_group_arns in the Terraform module).
set -eu

if [ $# -lt 2 ] || [ -z "$2" ]; then
	echo "usage: $0 FUNCTION_ARN PREFIX [FILTER_PATTERN]" >&2
	exit 2
fi
function=$1 prefix=$2 pattern=${3-}
own=$(aws lambda get-function-configuration --function-name "$function" \
	--query 'LoggingConfig.LogGroup || join(``, [`/aws/lambda/`, FunctionName])' --output text)

aws logs describe-log-groups --log-group-name-prefix "$prefix" --query 'logGroups[].[logGroupName]' --output text |
	while IFS= read -r group; do
		if [ "$group" = "$own" ] || [ "$group" = None ]; then
			continue
		fi
		aws logs put-subscription-filter --log-group-name "$group" --filter-name penstock \
			--filter-pattern "$pattern" --destination-arn "$function"
		echo "subscribed $group"
	done
