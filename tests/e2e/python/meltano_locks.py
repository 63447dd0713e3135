"""What Meltano reads of each plugin of the project in this folder: its lock file written again, its settings, its config."""
import json
import sys

from meltano.core.plugin.base import StandalonePlugin
from meltano.core.plugin.settings_service import PluginSettingsService
from meltano.core.project import Project

project = Project.find()
found = {}
for plugin in project.plugins.plugins():
    path = project.dirs.plugin_lock_path(plugin.type, plugin.name, variant_name=plugin.variant)
    service = PluginSettingsService(project, plugin)
    found[plugin.name] = {
        "canonical": StandalonePlugin(**json.loads(path.read_text())).canonical(),
        "settings": len([setting for setting in plugin.all_settings if not setting.is_extra]),
        "config": service.as_dict(extras=False, process=True),
    }
# Meltano logs to stdout here.
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
