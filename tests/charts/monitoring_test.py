"""Alerts and the dashboard: they ask for metrics that exist, and lead to a page that helps."""
import json
import re
import unittest

from chart import CASES, CHART, SOURCE, Release, metrics_in

# Of others: kube-state-metrics, the API server, Prometheus.
FOREIGN = {"kube_deployment_status_replicas_unavailable", "up", "apiserver_admission_webhook_fail_open_count",
           "apiserver_admission_webhook_rejection_count"}
RUNBOOK = SOURCE / "docs" / "runbook.md"


def documented_metrics():
    """The names in the tables of docs/metrics.md, which leaves the prefix out."""
    names = set()
    for line in (SOURCE / "docs" / "metrics.md").read_text().splitlines():
        if line.startswith("| `"):
            names |= {"acr_admission_" + name.removeprefix("acr_admission_") for name in re.findall(r"`([a-z_]+)(?:\{[^`]*\})?`", line.split("|")[1])}
    return names


def alerts(values=None):
    rule = Release(values or {"prometheusRule": {"enabled": True}}).one("PrometheusRule")
    return [alert for group in rule["spec"]["groups"] for alert in group["rules"]]


class Alerts(unittest.TestCase):
    def test_every_metric_exists(self):
        known = documented_metrics()
        for alert in alerts():
            with self.subTest(alert["alert"]):
                ours = metrics_in(alert["expr"])
                self.assertLessEqual(ours, known)
                self.assertTrue(ours or any(name in alert["expr"] for name in FOREIGN))

    def test_ours_are_those_of_this_release(self):
        for alert in alerts():
            with self.subTest(alert["alert"]):
                selectors = re.findall(r"(?:acr_admission_\w+|kube_deployment_\w+|\bup(?! offset))(\{[^}]*\})?", alert["expr"])
                for selector in selectors:
                    self.assertRegex(selector, r'(job|deployment)="acr-admission", namespace="acr-admission"')
                self.assertNotIn("$SELF", alert["expr"])
                self.assertEqual(alert["expr"].count("("), alert["expr"].count(")"))

    def test_each_leads_to_its_heading_in_the_runbook(self):
        for alert in alerts():
            with self.subTest(alert["alert"]):
                url = alert["annotations"]["runbook_url"]
                self.assertTrue(url.endswith("/docs/runbook.md#" + alert["alert"].lower()), url)
        if RUNBOOK.exists():
            headings = set(re.findall(r"^#+ (AcrAdmission\w+)\s*$", RUNBOOK.read_text(), re.M))
            self.assertEqual({alert["alert"] for alert in alerts()}, headings)

    def test_each_says_what_is_wrong_and_how_bad(self):
        names = [alert["alert"] for alert in alerts()]
        self.assertEqual(len(names), len(set(names)))
        for alert in alerts():
            with self.subTest(alert["alert"]):
                self.assertRegex(alert["alert"], r"^AcrAdmission[A-Z][A-Za-z]+$")
                self.assertIn(alert["labels"]["severity"], ("info", "warning", "critical"))
                self.assertTrue(alert["annotations"]["summary"])
                self.assertTrue(alert["annotations"]["description"])

    def test_what_must_be_watched_is(self):
        expressions = {alert["alert"]: alert["expr"] for alert in alerts()}
        self.assertIn("inventory_age_seconds{", expressions["AcrAdmissionInventoryStale"])
        self.assertTrue(expressions["AcrAdmissionInventoryStale"].endswith("> 3600"))
        self.assertTrue(expressions["AcrAdmissionInventoryVeryStale"].endswith("> 86400"))
        watched = metrics_in(" ".join(expressions.values())) | set(re.findall(r"\b(?:apiserver|kube)_\w+", " ".join(expressions.values())))
        for metric in ("certificate_not_after_seconds", "certificate_authority_not_after_seconds", "policy_last_good", "policy_stale",
                       "audit_commit_failures_total", "audit_forward_failures_total", "audit_forward_waiting", "audit_forward_lost_total", "request_duration_seconds", "requests_total", "refused_requests_total",
                       "azure_subscriptions_failing", "azure_registries_forbidden", "azure_registries_children_failing", "webhook_configuration_present",
                       "running_violations", "scan_leader", "scan_last_success_timestamp_seconds"):
            self.assertIn("acr_admission_" + metric, watched)
        self.assertIn("apiserver_admission_webhook_fail_open_count", watched)
        self.assertIn("kube_deployment_status_replicas_unavailable", watched)

    def test_webhooks_of_the_api_server_are_ours(self):
        entries = list(Release().webhooks())
        for alert in alerts():
            for pattern in re.findall(r'name=~"([^"]*)"', alert["expr"]):
                for entry in entries:
                    self.assertRegex(entry, f"^(?:{pattern})$")

    def test_the_first_failures_of_an_api_server_count(self):
        # Its counters appear with their first value, as 7, and not at 0: increase() alone sees nothing of what came before.
        # Where Prometheus itself is new, so is every series, and says nothing.
        of_others = [alert["expr"] for alert in alerts() if "increase(apiserver_" in alert["expr"]]
        self.assertEqual(2, len(of_others))
        for expression in of_others:
            counter = re.search(r"increase\((.*?\})\[10m\]\)", expression).group(1)
            new = f"{counter} unless {counter} offset 10m and on (job, instance) up offset 10m"
            self.assertEqual(f"sum(({new}) or increase({counter}[10m])) > 0", expression)

    def test_requests_that_the_api_server_sends_are_not_called_strangers(self):
        expression = next(alert["expr"] for alert in alerts() if alert["alert"] == "AcrAdmissionRequestsRefused")
        left_out = set(re.search(r'reason!~"([^"]*)"', expression).group(1).split("|"))
        reasons = {}
        for line in (SOURCE / "docs" / "metrics.md").read_text().split("Reasons of `refused_requests_total`")[1].splitlines():
            cells = line.split("|")
            if len(cells) == 5:
                reasons.update({name: cells[2].strip() for name in re.findall(r"`([a-z_]+)`", cells[1])})
        # What is answered with 5xx is our own failure, and AcrAdmissionErrors'.
        self.assertEqual({name for name, status in reasons.items() if status.startswith("5")} - {"transfer_coding"}, left_out)
        self.assertGreater(len(reasons), len(left_out) + 10)

    def test_values(self):
        values = {"prometheusRule": {"enabled": True, "disabled": ["AcrAdmissionSlow"], "alertLabels": {"team": "platform", "severity": "page"},
                                     "runbookUrl": "https://wiki/runbook"}}
        rendered = alerts(values)
        self.assertNotIn("AcrAdmissionSlow", [alert["alert"] for alert in rendered])
        self.assertEqual(len(alerts()) - 1, len(rendered))
        for alert in rendered:
            self.assertEqual({"team": "platform", "severity": "page"}, alert["labels"])
            self.assertEqual("https://wiki/runbook#" + alert["alert"].lower(), alert["annotations"]["runbook_url"])

    def test_namespaces_of_what_runs_are_not_the_targets(self):
        # A scraped label that the target has too is renamed: by (namespace) would be that of the webhook's pods.
        for alert in alerts():
            if "running_violations" in alert["expr"]:
                self.assertIn("by (exported_namespace, requirement)", alert["expr"])
                self.assertIn("$labels.exported_namespace", alert["annotations"]["summary"])
        self.assertNotIn("honorLabels", Release({"serviceMonitor": {"enabled": True}}).one("ServiceMonitor")["spec"]["endpoints"][0])

    def test_off_unless_asked_for(self):
        for kind in ("PrometheusRule", "ServiceMonitor"):
            self.assertEqual([], Release().all(kind))


class Scraping(unittest.TestCase):
    def test_service_monitor_finds_the_port_of_the_service(self):
        release = Release(CASES["everything"])
        monitor, service = release.one("ServiceMonitor"), release.one("Service", "acr-admission")
        self.assertEqual("prometheus", monitor["metadata"]["labels"]["release"])
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        port = next(item for item in service["spec"]["ports"] if item["name"] == monitor["spec"]["endpoints"][0]["port"])
        self.assertEqual("health", port["targetPort"])
        self.assertEqual("/metrics", monitor["spec"]["endpoints"][0]["path"])

    def test_azures_prometheus_has_its_own_group(self):
        monitor = Release({"serviceMonitor": {"enabled": True, "apiVersion": "azmonitoring.coreos.com/v1"}}).one("ServiceMonitor")
        self.assertEqual("azmonitoring.coreos.com/v1", monitor["apiVersion"])


class Dashboard(unittest.TestCase):
    def setUp(self):
        item = Release({"grafanaDashboard": {"enabled": True}}).one("ConfigMap", "acr-admission-dashboard")
        self.assertEqual("1", item["metadata"]["labels"]["grafana_dashboard"])
        self.dashboard = json.loads(item["data"]["acr-admission.json"])

    def test_every_metric_exists(self):
        known = documented_metrics()
        expressions = [target["expr"] for panel in self.dashboard["panels"] for target in panel["targets"]]
        self.assertGreater(len(expressions), 20)
        for expression in expressions:
            with self.subTest(expression):
                self.assertLessEqual(metrics_in(expression), known)
                self.assertIn('job=~"$job", namespace=~"$namespace"', expression)
                self.assertEqual(expression.count("("), expression.count(")"))
        for variable in self.dashboard["templating"]["list"]:
            if variable["type"] == "query":
                self.assertLessEqual(metrics_in(variable["query"]["query"]), known)

    def test_panels_do_not_lie_on_each_other(self):
        taken = set()
        for panel in self.dashboard["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_file_is_the_one_that_is_rendered(self):
        self.assertEqual(json.loads((CHART / "files" / "dashboard.json").read_text()), self.dashboard)


if __name__ == "__main__":
    unittest.main()
