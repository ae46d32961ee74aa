package identity

import (
	"encoding/xml"
	"time"
)

// stsResponse wraps the result of one action.
type stsResponse struct {
	XMLName   xml.Name
	Namespace string `xml:"xmlns,attr"`
	Result    any
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

type stsErrorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

type assumedRole struct {
	XMLName     xml.Name        `xml:"AssumeRoleResult"`
	User        assumedRoleUser `xml:"AssumedRoleUser"`
	Credentials stsCredentials
}

type webIdentityRole struct {
	XMLName     xml.Name        `xml:"AssumeRoleWithWebIdentityResult"`
	Subject     string          `xml:"SubjectFromWebIdentityToken"`
	Audience    string          `xml:"Audience"`
	Provider    string          `xml:"Provider"`
	User        assumedRoleUser `xml:"AssumedRoleUser"`
	Credentials stsCredentials
}

type callerIdentity struct {
	XMLName xml.Name `xml:"GetCallerIdentityResult"`
	ARN     string   `xml:"Arn"`
	UserID  string   `xml:"UserId"`
	Account string   `xml:"Account"`
}

type sessionTokenResult struct {
	XMLName     xml.Name `xml:"GetSessionTokenResult"`
	Credentials stsCredentials
}

type assumedRoleUser struct {
	ARN string `xml:"Arn"`
	ID  string `xml:"AssumedRoleId"`
}

type stsCredentials struct {
	XMLName         xml.Name `xml:"Credentials"`
	AccessKeyID     string   `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func xmlCredentials(c Credentials) stsCredentials {
	return stsCredentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: string(c.Secret), SessionToken: string(c.Token),
		Expiration: c.Expires.UTC().Format(time.RFC3339),
	}
}

// stsActionOf is the name of the action that has this result.
func stsActionOf(result any) string {
	switch result.(type) {
	case *assumedRole:
		return "AssumeRole"
	case *webIdentityRole:
		return "AssumeRoleWithWebIdentity"
	case *callerIdentity:
		return "GetCallerIdentity"
	}
	return "GetSessionToken"
}
