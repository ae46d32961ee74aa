package realtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	securityPlugin  = "org.opensearch.plugin:opensearch-security:2.19.1.0:zip"
	securityVersion = "2.19.1"
)

// securityConfig has the plugin believe the edge in front of it, as the managed service has it: who calls stands in
// headers. A caller is an admin by the backend role "admin".
const securityConfig = `_meta: {type: "config", config_version: 2}
config:
  dynamic:
    http:
      anonymous_auth_enabled: false
      xff: {enabled: true, internalProxies: '127\.0\.0\.1', remoteIpHeader: 'x-forwarded-for'}
    authc:
      edge:
        http_enabled: true
        transport_enabled: true
        order: 0
        http_authenticator:
          type: proxy
          challenge: false
          config: {user_header: "x-proxy-user", roles_header: "x-proxy-roles"}
        authentication_backend: {type: noop}
`

// StartSecuredOpenSearch starts OpenSearch 2.19.1 with its security plugin, which is fine-grained access control. It
// takes the caller from the headers x-proxy-user and x-proxy-roles of requests that have x-forwarded-for.
func StartSecuredOpenSearch(t testing.TB) *Domain {
	t.Helper()
	s, jdk, dir := installServer(t, securityVersion)
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	plugin, err := installed(t, "security", []string{securityPlugin}, func(dir string) error {
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("no Maven: %w", err)
		}
		unpack := exec.CommandContext(ctx, mvn, "-B", "-q", "dependency:unpack", "-Dartifact="+securityPlugin,
			"-DoutputDirectory="+dir)
		unpack.Dir = dir // where Maven leaves a marker
		_, err = run(t, unpack)
		return err
	})
	if err != nil {
		unavailable(t, "security plugin", "%v", err)
	}
	data := filepath.Join(t.TempDir(), "node")
	settings, err := secure(data, plugin)
	if err != nil {
		t.Fatal(err)
	}
	jars, err := filepath.Glob(filepath.Join(plugin, "*.jar"))
	if err != nil {
		t.Fatal(err)
	}
	return s.start(t, jdk, dir, jars, data,
		[]string{"-Dplugins=org.opensearch.security.OpenSearchSecurityPlugin"}, settings)
}

// secure lays out what the plugin reads when it starts, and returns the settings that name it.
func secure(data, plugin string) (settings []string, err error) {
	certificate, key, subject, err := selfSigned()
	if err != nil {
		return nil, err
	}
	defaults := filepath.Join(plugin, "config")
	for _, dir := range []string{filepath.Join(data, "config"), filepath.Join(data, "node_1", "config")} {
		if err := os.CopyFS(filepath.Join(dir, "opensearch-security"), os.DirFS(defaults)); err != nil {
			return nil, err
		}
		for name, text := range map[string][]byte{
			"crt.pem": certificate, "key.pem": key, "opensearch-security/config.yml": []byte(securityConfig),
			"opensearch-security/roles_mapping.yml": []byte(`_meta: {type: "rolesmapping", config_version: 2}` + "\n" +
				`all_access: {reserved: false, backend_roles: ["admin"]}` + "\n"),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				return nil, err
			}
		}
	}
	const p = "plugins.security."
	return []string{
		p + "ssl.transport.pemcert_filepath=crt.pem", p + "ssl.transport.pemkey_filepath=key.pem",
		p + "ssl.transport.pemtrustedcas_filepath=crt.pem", p + "ssl.transport.enforce_hostname_verification=false",
		p + "ssl.http.enabled=false", p + "authcz.admin_dn=" + subject, p + "nodes_dn=" + subject,
		p + "allow_unsafe_democertificates=true", p + "allow_default_init_securityindex=true",
		p + "restapi.roles_enabled=all_access",
	}, nil
}

// selfSigned is a certificate for the node's own connections, with its key in PKCS 8.
func selfSigned() (certificate, key []byte, subject string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, "", err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, "", err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
	return certificate, key, "CN=node", nil
}
