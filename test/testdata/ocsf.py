"""Says what is wrong with events of OCSF, one on each line of the input."""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

version = sys.argv[1]
ocsf = get_ocsf_schema(version=version)
schemas = OcsfJsonSchemaEmbedded(ocsf)
validators = {}
# AWS keeps these as the source has them.
kept = ("compliance.status_id", "connection_info.protocol_ver_id")


def captions(event, attributes, where):
    """Yields the attributes whose caption is not that of their number."""
    for name, value in event.items():
        about = attributes.get(name, {})
        if isinstance(value, dict) and about.get("object_type") in ocsf["objects"]:
            yield from captions(value, ocsf["objects"][about["object_type"]]["attributes"], where + name + ".")
        caption = about.get("enum", {}).get(str(value), {}).get("caption")
        said = event.get("activity_name" if name == "activity_id" else name[:-3])
        if name.endswith("_id") and value != 99 and said != caption and where + name not in kept:
            yield f"{where}{name} is {value}, which is {caption}, and not {said}"


for line in sys.stdin:
    document = json.loads(line)
    event = {k: v for k, v in document.items() if k not in ("@timestamp", "aws", "penstock")}
    name = schemas.lookup_class_name_from_uid(class_uid=event["class_uid"])
    profiles = event["metadata"]["profiles"]
    key = (name, *profiles)
    if key not in validators:
        schema = schemas.get_class_schema(class_name=name, profiles=profiles)
        Draft202012Validator.check_schema(schema)
        validators[key] = Draft202012Validator(schema)
    about = ocsf["base_event"] if name == "base_event" else ocsf["classes"][name]
    wrong = ["/".join(map(str, e.path)) + ": " + e.message for e in validators[key].iter_errors(event)]
    wrong += captions(event, about["attributes"], "")
    for attribute, want in {
        "type_uid": event["class_uid"] * 100 + event.get("activity_id", -1),
        "class_name": about["caption"],
        "category_uid": about["category_uid"],
        "category_name": about.get("category_name") or "Uncategorized",
    }.items():
        if event.get(attribute) != want:
            wrong.append(f"{attribute} is {event.get(attribute)}, not {want}")
    if event["metadata"]["version"] != version:
        wrong.append("version " + event["metadata"]["version"])
    for one in wrong:
        print(document["penstock"], name, one[:400])
