package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// beside walks the other ways, each by itself.
func (w *walk) beside(ctx context.Context) {
	if w.aws.base == nil && (w.cfg.Queue != "" || w.cfg.Function != "") {
		w.url = &url.URL{} // the endpoint is not one; what lies beside it may be right
		w.region = cmp.Or(w.region, w.cfg.Region)
		w.connect()
	}
	if w.cfg.Bucket != nil {
		w.along(ctx, []step{{"bucket", w.checkBucket}})
	}
	if w.cfg.DeadLetters != nil {
		w.along(ctx, []step{{"dead-letters", w.checkDeadLetters}})
	}
	if w.cfg.Function != "" {
		w.along(ctx, []step{{"function", w.checkFunction}})
	}
	if w.cfg.Queue != "" {
		w.along(ctx, []step{{"queue", w.checkQueue}})
	}
}

func (w *walk) checkBucket(ctx context.Context) Check { return w.found(w.cfg.Bucket(ctx)) }

func (w *walk) checkDeadLetters(ctx context.Context) Check {
	return w.found(w.cfg.DeadLetters(ctx, w.cfg.Write))
}

// found is the check of what a look of the caller's saw.
func (w *walk) found(seen string, err error) Check {
	if err == nil {
		return okay(seen)
	}
	d, ok := w.cfg.Explain(err)
	if !ok {
		d = Diagnosis{Cause: Unknown, Fix: "what was answered is all that is known"}
	}
	return failed(d, textOf(err))
}

// refusedBy is the check of a call to AWS that gave nothing: when there is nothing to sign with it failed, when it is
// not allowed it is skipped.
func (w *walk) refusedBy(e *callError, resource string) Check {
	if e.Err != nil {
		if d, ok := w.cfg.Explain(e.Err); ok && d.Cause != Unreached {
			return failed(d, e.Call+": "+e.Error())
		}
	}
	switch {
	case e.denied(), e.Err != nil:
		return e.skipped(resource)
	}
	c := failed(is(Unknown), e.Call+": "+e.Error())
	c.Means, c.Fix = "what is named is not there, or not in this region", "check the name, and --region"
	return c
}

// leastTimeout is less than a function needs that reads one large object.
const leastTimeout = 10 * time.Second

func (w *walk) checkFunction(ctx context.Context) Check {
	f, refused := w.aws.function(ctx, w.cfg.Function)
	if refused != nil {
		return w.refusedBy(refused, w.functionARN())
	}
	w.functionTime = time.Duration(f.Timeout) * time.Second
	name := w.cfg.Function
	longer := "aws lambda update-function-configuration --function-name " + name + " --timeout " +
		strconv.Itoa(min(900, max(300, 2*f.Timeout)))
	group := cmp.Or(f.LoggingConfig.LogGroup, "/aws/lambda/"+lastPart(name))
	line, refused := w.aws.logged(ctx, group, "Task timed out after", w.cfg.Now().Add(-24*time.Hour))
	switch {
	case refused != nil && refused.denied():
		c := refused.skipped(strings.Replace(cmp.Or(f.ARN, w.functionARN()), ":lambda:", ":logs:", 1))
		if i := strings.Index(f.ARN, ":function:"); i >= 0 {
			logs := strings.Replace(f.ARN[:i], ":lambda:", ":logs:", 1) + ":log-group:" + group
			c = refused.skipped(logs)
		}
		c.Name = "function-log"
		w.checks = append(w.checks, c)
	case line != "":
		c := failed(is(FunctionTimeout), "its log of the last day says: "+line)
		c.Fix = longer
		return c
	}
	seen := fmt.Sprintf("%s may take %s, with %d MB", name, w.functionTime, f.MemorySize)
	if w.functionTime < leastTimeout {
		c := warned(FunctionTimeout, seen)
		c.Fix = longer
		return c
	}
	return okay(seen)
}

func (w *walk) functionARN() string {
	if strings.HasPrefix(w.cfg.Function, "arn:") {
		return w.cfg.Function
	}
	return "arn:aws:lambda:" + w.aws.region + ":" + cmp.Or(w.domain.Account, "ACCOUNT") + ":function:" + w.cfg.Function
}

// lastPart is the name in an ARN.
func lastPart(s string) string { return s[strings.LastIndexByte(s, ':')+1:] }

func (w *walk) checkQueue(ctx context.Context) Check {
	attributes, refused := w.aws.queue(ctx, w.cfg.Queue)
	if refused != nil {
		return w.refusedBy(refused, queueARN(w.cfg.Queue, w.aws.region))
	}
	seconds, err := strconv.Atoi(attributes["VisibilityTimeout"])
	if err != nil {
		return Check{Status: Skipped, Seen: "the queue does not tell its visibility timeout"}
	}
	hidden := time.Duration(seconds) * time.Second
	seen := fmt.Sprintf("messages are hidden for %s", hidden)
	if w.functionTime > 0 {
		seen += fmt.Sprintf(", the function may take %s", w.functionTime)
	}
	const factor = 6 // what AWS recommends for a queue that calls a function
	longer := "aws sqs set-queue-attributes --queue-url " + w.cfg.Queue + " --attributes VisibilityTimeout=" +
		strconv.Itoa(min(43200, factor*int(w.functionTime/time.Second)))
	switch {
	case hidden < w.functionTime:
		c := failed(is(QueueVisibility), seen)
		c.Fix = longer
		return c
	case hidden < factor*w.functionTime:
		c := warned(QueueVisibility, seen)
		c.Fix = longer
		return c
	}
	return okay(seen)
}

// queueARN is the ARN of a queue by its URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.
func queueARN(address, region string) string {
	parts := strings.Split(strings.Trim(address, "/"), "/")
	if len(parts) < 2 {
		return address
	}
	return "arn:aws:sqs:" + region + ":" + parts[len(parts)-2] + ":" + parts[len(parts)-1]
}
