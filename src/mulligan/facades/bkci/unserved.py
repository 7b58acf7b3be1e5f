"""Calls of the API that this server knows of and does not serve: they are answered with 501.

One table of paths, without the gateway and the version, each with the name of its operation; and
the first parts of paths of whole resources that have nothing to do with builds.
"""

UNSERVED = (
    ("POST", "projects/{project}/try_fix_stuck_builds", "try_fix_stuck_builds"),
    ("GET", "projects/{project}/pipelines/pipeline_count", "pipeline_get_count"),
    ("GET", "projects/{project}/version/preview_code", "pipeline_preview_code"),
    ("GET", "projects/{project}/version/creator_list", "pipeline_creator_list"),
    ("GET", "projects/{project}/version/operator_list", "pipeline_operator_list"),
    ("GET", "projects/{project}/version/export", "pipeline_export"),
    ("GET", "projects/{project}/version/export_all", "pipeline_export_all"),
    ("POST", "projects/{project}/archived/pipelines/{pipelineId}/data/migrate", "pipeline_archive"),
    ("GET", "projects/{project}/archived/pipelines/list", "archived_pipeline_list"),
    (
        "POST",
        "projects/project/list/by/conditions/{page}/{pageSize}",
        "list_projects_by_conditions",
    ),
    ("POST", "projects/project/{project}/project_user", "project_create_users"),
    ("PUT", "projects/project/{project}/update_project_product", "update_project_product"),
    ("GET", "projects/project/get_projects_by_product_id", "get_projects_by_product_id"),
    (
        "PUT",
        "projects/project/{project}/update_plugin_details_display",
        "update_plugin_details_display",
    ),
    ("GET", "environment/projects/{project}/usable_server_nodes", "env_list_usable_nodes"),
    ("POST", "environment/projects/{project}/nodes_delete", "node_delete"),
    ("GET", "environment/projects/{project}/usable_server_envs", "env_list_usable_envs"),
    ("POST", "environment/projects/{project}/envNames_to_envInfo", "env_list_env_by_env_names"),
    ("POST", "environment/projects/{project}/envHashIds_to_envInfo", "env_list_by_env_hashIds"),
    ("POST", "environment/projects/{project}/nodeHashIds_to_nodes", "env_node_list_byNodeHashIds"),
    ("POST", "environment/projects/{project}/envHashIds_to_nodes", "env_node_list_byEnvHashIds"),
    ("GET", "environment/projects/{project}/ext_nodes", "env_node_list_ext"),
    ("GET", "environment/projects/{project}/pipeline_ref_list", "env_node_list_pipeline_ref"),
    ("POST", "environment/projects/{project}/share_envs", "set_share_env"),
    ("GET", "environment/projects/{project}/third_party_env2nodes", "third_party_env2nodes"),
    ("POST", "environment/projects/{project}/fetch_nodes", "env_nodes"),
    ("PUT", "environment/projects/{project}/enable_env_node", "enable_env_node"),
    ("GET", "projects/{project}/environment/third_part_agent_builds", "node_third_part_builds"),
    ("POST", "projects/{project}/environment/fetch_agent_env", "node_third_part_agent_envvar"),
    (
        "POST",
        "projects/{project}/environment/batch_update_agent_env",
        "node_third_part_agent_update_envvar",
    ),
    (
        "POST",
        "projects/{project}/environment/update_agent_info",
        "node_third_part_agent_update_agent_info",
    ),
    ("GET", "projects/{project}/environment/fetch_agent_tag", "node_third_part_agent_tags"),
    (
        "PUT",
        "repositories/projects/{project}/{repositoryHashId}/pac/enable",
        "repository_enable_pac",
    ),
    (
        "PUT",
        "repositories/projects/{project}/{repositoryHashId}/pac/disable",
        "repository_disable_pac",
    ),
    ("GET", "repositories/projects/{project}/repository/branches", "repository_list_branches"),
    ("GET", "repositories/projects/{project}/repository/tags", "repository_list_tags"),
    ("GET", "repositories/oauth/isOauth", "oauth_isOauth"),
    ("GET", "projects/{project}/artifactories/app_download_url", "artifactory_appDownloadUrl"),
    ("GET", "projects/{project}/artifactories/log", "artifactory_log_download"),
    ("GET", "projects/{project}/artifactories/custom", "artifactory_custom"),
    ("GET", "projects/{project}/artifactories/metadata/list", "artifactory_metadata_list"),
    ("POST", "artifactory/projects/{project}/file_task", "file_task_create"),
    ("GET", "artifactory/projects/{project}/file_task", "file_task_status"),
    ("DELETE", "artifactory/projects/{project}/file_task", "file_task_clear"),
    ("GET", "projects/{project}/quality/rule", "quality_rule_list"),
    ("POST", "projects/{project}/quality/rule", "quality_rule_create"),
    ("PUT", "projects/{project}/quality/rule", "quality_rule_update"),
    ("DELETE", "projects/{project}/quality/rule", "quality_rule_delete"),
    ("GET", "projects/{project}/quality/rule_build_history_list", "quality_rule_build_history"),
    ("GET", "metrics/projectId/{project}/summary", "metrics_summary"),
    ("GET", "atoms/atom_statistic", "atom_statistic"),
    ("GET", "atoms/atom_pipelines", "atom_pipeline_list"),
    ("POST", "atoms/install_atom", "atom_install"),
    ("GET", "atoms/atom_yml_v2_detail", "atom_yml_v2_detail"),
)
# First parts of the paths of rights and members, OAuth, compiling in parallel, the shop of plugins,
# dispatching, creative flows.
UNSERVED_RESOURCES = frozenset(
    {"auth", "oauth2", "turbo", "market", "store", "dispatch", "creative"}
)
