package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// aws makes the few calls of AWS's own services that a walk needs, as plain signed requests. They all read.
type aws struct {
	base        http.RoundTripper
	credentials sigv4.Provider
	region      string
	endpoint    func(service string) string
	userAgent   string
}

// service is one service of AWS.
type service struct {
	// sdk is its name in AWS_ENDPOINT_URL_…; signing that of its signatures; host the first part of its host name.
	sdk, signing, host string
	// global says that it has one endpoint, in us-east-1.
	global bool
}

var (
	stsService    = service{sdk: "STS", signing: "sts", host: "sts"}
	iamService    = service{sdk: "IAM", signing: "iam", host: "iam", global: true}
	configService = service{sdk: "OPENSEARCH", signing: "es", host: "es"}
	aossService   = service{sdk: "OPENSEARCHSERVERLESS", signing: "aoss", host: "aoss"}
	lambdaService = service{sdk: "LAMBDA", signing: "lambda", host: "lambda"}
	sqsService    = service{sdk: "SQS", signing: "sqs", host: "sqs"}
	logsService   = service{sdk: "CLOUDWATCH_LOGS", signing: "logs", host: "logs"}
)

// callError is a call that was refused or not answered.
type callError struct {
	Call    string // sts:GetCallerIdentity
	Status  int    // zero without an answer
	Code    string
	Message string
	Err     error
}

func (e *callError) Error() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Message == "":
		return fmt.Sprintf("%s (HTTP %d)", cmp.Or(e.Code, "refused"), e.Status)
	}
	return strings.TrimPrefix(e.Code+": "+e.Message, ": ")
}

func (e *callError) Unwrap() error { return e.Err }

// call makes one request. The action is the name of the permission that it needs.
func (a *aws) call(
	ctx context.Context, s service, action, method, path string, header map[string]string, body []byte,
) ([]byte, *callError) {
	fail := func(err error) ([]byte, *callError) { return nil, &callError{Call: action, Err: err} }
	base, region := a.address(s)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fail(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	if a.userAgent != "" {
		req.Header.Set("User-Agent", a.userAgent)
	}
	t := &sigv4.Transport{Base: a.base, Credentials: a.credentials, Region: region, Service: s.signing}
	resp, err := t.RoundTrip(req)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fail(err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusedCall(action, resp, data)
	}
	return data, nil
}

// address is where a service answers, and the region to sign for.
func (a *aws) address(s service) (base, region string) {
	region = a.region
	if a.endpoint != nil {
		base = a.endpoint(s.sdk)
	}
	suffix := ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		suffix += ".cn"
	}
	switch {
	case base != "":
	case s.global && suffix == ".amazonaws.com":
		base, region = "https://"+s.host+suffix, "us-east-1"
	default:
		base = "https://" + s.host + "." + region + suffix
	}
	return base, region
}

// refusedCall reads an error in any of the forms that the services have.
func refusedCall(action string, resp *http.Response, body []byte) *callError {
	e := &callError{Call: action, Status: resp.StatusCode}
	var j struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	var x struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if json.Unmarshal(body, &j) == nil {
		e.Code, e.Message = cmp.Or(resp.Header.Get("X-Amzn-Errortype"), j.Type, j.Code), j.Message
	} else if xml.Unmarshal(body, &x) == nil {
		e.Code, e.Message = x.Code, x.Message
	}
	e.Code, _, _ = strings.Cut(e.Code, ":")
	e.Code = short(e.Code[strings.LastIndexByte(e.Code, '#')+1:])
	e.Message = short(e.Message)
	return e
}

// denied reports whether the caller may not make the call.
func (e *callError) denied() bool {
	return strings.HasPrefix(e.Code, "AccessDenied") || e.Code == "UnauthorizedOperation" ||
		e.Status == http.StatusForbidden && e.Code == ""
}

// skipped is the check for a call that gave nothing: what was asked, and the statement that would allow it.
func (e *callError) skipped(resource string) Check {
	fix := "see to it that " + e.Call + " can be called"
	if e.denied() {
		fix = "allow the caller this, to have it looked at: " + identityStatement(e.Call, resource)
	}
	return mayNot(e.Call, e.Error(), fix)
}

func identityStatement(action, resource string) string {
	return string(encode(map[string]string{"Effect": "Allow", "Action": action, "Resource": resource}))
}

// encode is JSON of values that always encode.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func decode[T any](data []byte, failed *callError, action string) (v T, err *callError) {
	if failed != nil {
		return v, failed
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, &callError{Call: action, Err: errors.New("the answer is not what the service sends")}
	}
	return v, nil
}

// form calls a service of the older kind, which takes a form and answers in XML.
func (a *aws) form(ctx context.Context, s service, values url.Values, out any) *callError {
	action := s.signing + ":" + values.Get("Action")
	data, failed := a.call(ctx, s, action, http.MethodPost, "/",
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, []byte(values.Encode()))
	if failed != nil {
		return failed
	}
	if err := xml.Unmarshal(data, out); err != nil {
		return &callError{Call: action, Err: errors.New("the answer is not what the service sends")}
	}
	return nil
}

// callerIdentity is sts:GetCallerIdentity.
func (a *aws) callerIdentity(ctx context.Context) (arn string, failed *callError) {
	var out struct {
		ARN string `xml:"GetCallerIdentityResult>Arn"`
	}
	failed = a.form(ctx, stsService, url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}, &out)
	return out.ARN, failed
}

// simulation is what IAM says of a request, as far as it can know: without the access policy of the domain.
type simulation struct {
	Decision string `xml:"EvalDecision"`
	// Boundary and Organization are "false" when these do not allow, and empty when there are none.
	Boundary     string `xml:"PermissionsBoundaryDecisionDetail>AllowedByPermissionsBoundary"`
	Organization string `xml:"OrganizationsDecisionDetail>AllowedByOrganizations"`
	Statements   []struct {
		Policy string `xml:"SourcePolicyId"`
	} `xml:"MatchedStatements>member"`
}

// simulate is iam:SimulatePrincipalPolicy for one action on one resource.
func (a *aws) simulate(ctx context.Context, principal, action, resource string) (s simulation, failed *callError) {
	var out struct {
		Results []simulation `xml:"SimulatePrincipalPolicyResult>EvaluationResults>member"`
	}
	failed = a.form(ctx, iamService, url.Values{
		"Action": {"SimulatePrincipalPolicy"}, "Version": {"2010-05-08"}, "PolicySourceArn": {principal},
		"ActionNames.member.1": {action}, "ResourceArns.member.1": {resource},
	}, &out)
	if failed == nil && len(out.Results) == 0 {
		failed = &callError{Call: "iam:SimulatePrincipalPolicy", Err: errors.New("no result in the answer")}
	}
	if failed != nil {
		return s, failed
	}
	return out.Results[0], nil
}

// accessPolicy is es:DescribeDomainConfig: the domain's access policy, empty when there is none.
func (a *aws) accessPolicy(ctx context.Context, name string) (policy string, failed *callError) {
	const action = "es:DescribeDomainConfig"
	data, failed := a.call(ctx, configService, action, http.MethodGet,
		"/2021-01-01/opensearch/domain/"+url.PathEscape(name)+"/config", nil, nil)
	out, failed := decode[struct {
		DomainConfig struct {
			AccessPolicies struct{ Options string }
		}
	}](data, failed, action)
	return out.DomainConfig.AccessPolicies.Options, failed
}

// targeted calls a service of the newer kind, which has the name of the call in a header.
func targeted[T any](
	ctx context.Context, a *aws, s service, action, target, version string, in any,
) (out T, failed *callError) {
	data, failed := a.call(ctx, s, action, http.MethodPost, "/", map[string]string{
		"X-Amz-Target": target, "Content-Type": "application/x-amz-json-" + version,
	}, encode(in))
	return decode[T](data, failed, action)
}

// function is what lambda:GetFunctionConfiguration says.
type function struct {
	ARN           string `json:"FunctionArn"`
	Timeout       int
	MemorySize    int
	State         string
	LoggingConfig struct{ LogGroup string }
}

func (a *aws) function(ctx context.Context, name string) (function, *callError) {
	const action = "lambda:GetFunctionConfiguration"
	data, failed := a.call(ctx, lambdaService, action, http.MethodGet,
		"/2015-03-31/functions/"+url.PathEscape(name)+"/configuration", nil, nil)
	return decode[function](data, failed, action)
}

// logged is logs:FilterLogEvents: the first line of a log group since a time that has a text.
func (a *aws) logged(ctx context.Context, group, text string, since time.Time) (line string, failed *callError) {
	out, failed := targeted[struct {
		Events []struct{ Message string } `json:"events"`
	}](ctx, a, logsService, "logs:FilterLogEvents", "Logs_20140328.FilterLogEvents", "1.1", map[string]any{
		"logGroupName": group, "filterPattern": `"` + text + `"`, "startTime": since.UnixMilli(), "limit": 1,
	})
	if failed == nil && len(out.Events) > 0 {
		line = short(out.Events[0].Message)
	}
	return line, failed
}

// queue is sqs:GetQueueAttributes.
func (a *aws) queue(ctx context.Context, address string) (attributes map[string]string, failed *callError) {
	there := *a
	if given := there.endpoint; given == nil || given(sqsService.sdk) == "" {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			return nil, &callError{Call: "sqs:GetQueueAttributes", Err: fmt.Errorf("%q is not the URL of a queue", address)}
		}
		there.endpoint = func(string) string { return u.Scheme + "://" + u.Host }
	}
	out, failed := targeted[struct{ Attributes map[string]string }](ctx, &there, sqsService, "sqs:GetQueueAttributes",
		"AmazonSQS.GetQueueAttributes", "1.0", map[string]any{
			"QueueUrl": address, "AttributeNames": []string{"VisibilityTimeout", "RedrivePolicy", "QueueArn"},
		})
	return out.Attributes, failed
}

// dataAccess lists the principals of a collection's data access policies.
func (a *aws) dataAccess(ctx context.Context, id string) (name string, principals []string, failed *callError) {
	collections, failed := targeted[struct {
		Details []struct {
			Name string `json:"name"`
		} `json:"collectionDetails"`
	}](ctx, a, aossService, "aoss:BatchGetCollection", "OpenSearchServerless.BatchGetCollection", "1.0",
		map[string]any{"ids": []string{id}})
	if failed == nil && len(collections.Details) == 0 {
		failed = &callError{Call: "aoss:BatchGetCollection", Err: errors.New("there is no such collection")}
	}
	if failed != nil {
		return "", nil, failed
	}
	name = collections.Details[0].Name
	list, failed := targeted[struct {
		Policies []struct {
			Name string `json:"name"`
		} `json:"accessPolicySummaries"`
	}](ctx, a, aossService, "aoss:ListAccessPolicies", "OpenSearchServerless.ListAccessPolicies", "1.0",
		map[string]any{"type": "data", "resource": []string{"collection/" + name}})
	for _, p := range list.Policies {
		if failed != nil {
			break
		}
		type detailed struct {
			Detail struct {
				Policy []struct {
					Principal []string `json:"Principal"`
				} `json:"policy"`
			} `json:"accessPolicyDetail"`
		}
		var got detailed
		got, failed = targeted[detailed](ctx, a, aossService, "aoss:GetAccessPolicy",
			"OpenSearchServerless.GetAccessPolicy", "1.0", map[string]any{"type": "data", "name": p.Name})
		for _, r := range got.Detail.Policy {
			principals = append(principals, r.Principal...)
		}
	}
	return name, principals, failed
}
