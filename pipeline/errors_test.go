package pipeline

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

func TestWhyTheChainGivesNothingHasAName(t *testing.T) {
	t.Parallel()
	refused := func(service, code string) error {
		return fmt.Errorf("failed to refresh cached credentials, %w",
			&smithy.OperationError{ServiceID: service, Err: &smithy.GenericAPIError{Code: code}})
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("no EC2 IMDS role found"), "credentials-missing"},
		{refused("ec2imds", ""), "credentials-missing"},
		{refused("STS", "AccessDenied"), "assume-role-denied"},
		{refused("STS", "InvalidClientTokenId"), "key-unknown"},
		{refused("STS", "SignatureDoesNotMatch"), "secret-wrong"},
		{refused("STS", "ExpiredToken"), "credentials-expired"},
		{refused("SSO", "UnauthorizedException"), "sso-login"},
		{refused("SSO OIDC", "InvalidGrantException"), "sso-login"},
		{fmt.Errorf("x: %w", &ssocreds.InvalidTokenError{}), "sso-login"},
		{errors.New("failed to read cached SSO token file"), "sso-login"},
	} {
		if got := (&CredentialsError{Err: test.err}).Cause(); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}
