package ocsf

import "bytes"

// securityhub is the mapping of findings in the format of Security Hub (ASFF), which AWS has in "Amazon Security Hub
// Finding": one with a compliance is a Compliance Finding, one with vulnerabilities a Vulnerability Finding, any other
// a Detection Finding. AWS maps to version 1.1 of the schema, which still has one resource of a Compliance Finding.
func securityhub() source {
	const (
		finding = `
			message = Note.Text : words
			status = Workflow.Status : workflow
			confidence_score = Confidence : int
			finding_info.uid = Id
			finding_info.title = Title : words
			finding_info.desc = Description : words
			finding_info.types = Types : list
			finding_info.src_url = SourceUrl
			finding_info.first_seen_time_dt = FirstObservedAt : date
			finding_info.last_seen_time_dt = LastObservedAt : date
			finding_info.created_time_dt = CreatedAt : date
			finding_info.modified_time_dt = UpdatedAt : date
			finding_info.related_events[].uid = RelatedFindings[].Id
			finding_info.related_events[].product.uid = RelatedFindings[].ProductArn
			resources[].uid = Resources[].Id
			resources[].type = Resources[].Type
			resources[].cloud_partition = Resources[].Partition
			resources[].region = Resources[].Region
			resources[].data = Resources[].Details : json`
		remediation = `
			remediation.desc = Remediation.Recommendation.Text : words
			remediation.references = Remediation.Recommendation.Url : list`
	)
	return source{
		format: "securityhub", within: "detail.findings[0]",
		all: `
			time = UpdatedAt | CreatedAt : time
			severity = Severity.Label : severity
			severity = Severity.Normalized : normalized ? !Severity.Label
			metadata.version = "1.5.0"
			metadata.log_version = SchemaVersion
			metadata.log_name = "Security Hub findings"
			metadata.product.name = ProductName
			metadata.product.name = "Security Hub"
			metadata.product.vendor_name = CompanyName
			metadata.product.vendor_name = "AWS"
			metadata.product.uid = ProductArn
			metadata.product.feature.uid = GeneratorId
			metadata.processed_time_dt = ProcessedAt : date
			metadata.profiles = ["cloud","datetime"]
			cloud.provider = "AWS"
			cloud.account.uid = AwsAccountId
			cloud.region = Region`,
		keys: "Id ProductArn Compliance Vulnerabilities CreatedAt UpdatedAt",
		choose: func(w *writer) int {
			at := func(key string) []byte { return w.values[w.plan.index[key]] }
			switch {
			case !w.has("Id") || !w.has("ProductArn"):
				return 0
			case bytes.HasPrefix(at("Compliance"), []byte("{")):
				return 1
			case bytes.HasPrefix(at("Vulnerabilities"), []byte("[{")):
				return 2
			}
			return 3
		},
		classes: []class{
			{
				name: "Compliance Finding", uid: 2003, category: "Findings", activity: "UpdatedAt : finding",
				must: "compliance finding_info",
				table: finding + remediation + `
					compliance.control = Compliance.SecurityControlId
					compliance.status = Compliance.Status : compliance
					compliance.requirements = Compliance.RelatedRequirements : list
					compliance.standards = Compliance.AssociatedStandards[].StandardsId
					compliance.status_code = Compliance.StatusReasons[0].ReasonCode
					compliance.status_details = Compliance.StatusReasons[].Description`,
			},
			{
				name: "Vulnerability Finding", uid: 2002, category: "Findings", activity: "UpdatedAt : finding",
				must: "finding_info",
				table: finding + `
					vulnerabilities[].cve.uid = Vulnerabilities[].Id
					vulnerabilities[].cve.cvss[].base_score = Vulnerabilities[].Cvss[].BaseScore : float
					vulnerabilities[].cve.cvss[].vector_string = Vulnerabilities[].Cvss[].BaseVector
					vulnerabilities[].cve.cvss[].version = Vulnerabilities[].Cvss[].Version
					vulnerabilities[].cve.created_time_dt = Vulnerabilities[].Vendor.VendorCreatedAt : date
					vulnerabilities[].cve.modified_time_dt = Vulnerabilities[].Vendor.VendorUpdatedAt : date
					vulnerabilities[].cve.references = Vulnerabilities[].Vendor.Url : list
					vulnerabilities[].vendor_name = Vulnerabilities[].Vendor.Name
					vulnerabilities[].references = Vulnerabilities[].ReferenceUrls : list
					vulnerabilities[].related_vulnerabilities = Vulnerabilities[].RelatedVulnerabilities : list
					vulnerabilities[].is_fix_available = Vulnerabilities[].FixAvailable : bool
					vulnerabilities[].is_exploit_available = Vulnerabilities[].ExploitAvailable : bool
					vulnerabilities[].affected_packages[].name = Vulnerabilities[].VulnerablePackages[].Name
					vulnerabilities[].affected_packages[].version = Vulnerabilities[].VulnerablePackages[].Version
					vulnerabilities[].affected_packages[].architecture = Vulnerabilities[].VulnerablePackages[].Architecture
					vulnerabilities[].affected_packages[].epoch = Vulnerabilities[].VulnerablePackages[].Epoch : int
					vulnerabilities[].affected_packages[].release = Vulnerabilities[].VulnerablePackages[].Release
					vulnerabilities[].affected_packages[].path = Vulnerabilities[].VulnerablePackages[].FilePath
					vulnerabilities[].affected_packages[].package_manager = Vulnerabilities[].VulnerablePackages[].PackageManager
					vulnerabilities[].affected_packages[].fixed_in_version = Vulnerabilities[].VulnerablePackages[].FixedInVersion`,
			},
			{
				name: "Detection Finding", uid: 2004, category: "Findings", activity: "UpdatedAt : finding",
				must: "finding_info", table: finding + remediation,
			},
		},
		enums: map[string]enum{
			"finding": {
				captions: map[int]string{0: "Unknown", 1: "Create", 2: "Update"},
				number: func(w *writer, updated []byte) int {
					if bytes.Equal(updated, w.text("CreatedAt")) {
						return 1
					}
					return 2
				},
			},
			"severity": {
				captions: severities(), exact: true,
				number:  numbered(map[string]int{"INFORMATIONAL": 1, "LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}),
				without: absent,
			},
			"normalized": {captions: severities(), number: normalized},
			"workflow": {
				captions: map[int]string{1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved"},
				number:   numbered(map[string]int{"NEW": 1, "NOTIFIED": 2, "SUPPRESSED": 3, "RESOLVED": 4}),
				exact:    true, without: absent,
			},
			"compliance": {
				captions: map[int]string{1: "Pass", 2: "Warning", 3: "Fail"},
				number:   numbered(map[string]int{"PASSED": 1, "WARNING": 2, "FAILED": 3}),
				exact:    true, verbatim: true, without: absent,
			},
		},
	}
}

func severities() map[int]string {
	return map[int]string{0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
}

// normalized tells the severity of a number from 0 to 100, as ASFF has it.
func normalized(_ *writer, text []byte) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > 100 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	switch {
	case n == 0:
		return 1
	case n < 40:
		return 2
	case n < 70:
		return 3
	case n < 90:
		return 4
	}
	return 5
}
