// Made by `npm run api` from the API's description 9c891c8a10ffef5b; not written by hand.
export interface paths {
    "/about": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tell what the server is, and whom it takes the caller for */
        get: operations["show_about"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/access-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one's own access keys, without their secrets */
        get: operations["list_access_keys"];
        put?: never;
        /** Make a key for signing requests, for oneself in one project */
        post: operations["create_access_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/access-keys/{access}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete an access key; it is refused from that moment */
        delete: operations["delete_access_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what waits for people in all projects that one may see, oldest first */
        get: operations["list_approvals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/apps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make an application for some projects */
        post: operations["create_app"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who did what on the server, newest first (server admins) */
        get: operations["list_all_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dev/clock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Move the clock forward (only with --dev) */
        post: operations["advance_clock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/downloads/{link}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download an artifact by a signed link, which is its own credential for a while */
        get: operations["download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream what happens to runs (server-sent events), resumable by Last-Event-ID */
        get: operations["stream_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/hooks/{project}/{hook}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deliver an event, signed as the kind of the hook says */
        post: operations["take_delivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: operations["describe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plugins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Installed plugins */
        get: operations["list_plugins"];
        put?: never;
        /** Install a plugin (server admins) */
        post: operations["install_plugin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plugins/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One plugin with its versions */
        get: operations["show_plugin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plugins/{code}/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is laid down about a plugin (server admins) */
        get: operations["show_policy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plugins/{code}/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Release a plugin for some projects only, or for all (server admins) */
        put: operations["release_plugin"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plugins/{code}/settings/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Set a private setting, which only steps of the plugin read (server admins) */
        put: operations["put_setting"];
        post?: never;
        /** Remove a private setting of a plugin (server admins) */
        delete: operations["delete_setting"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/plugins/{code}/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a version of a plugin (server admins) */
        delete: operations["remove_plugin"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the projects that one may see */
        get: operations["list_projects"];
        put?: never;
        /** Make a project (server admins); its maker becomes its owner */
        post: operations["create_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a project, and what the caller may do in it
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_project"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List who did what in a project, newest first
         * @description Needs the permission `manage` in the project.
         */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the channels of a project, without their addresses
         * @description Needs the permission `use-secret` in the project.
         */
        get: operations["list_channels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/channels/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set a channel: where notices go to
         * @description Needs the permission `secrets` in the project.
         */
        put: operations["put_channel"];
        post?: never;
        /**
         * Remove a channel
         * @description Needs the permission `secrets` in the project.
         */
        delete: operations["delete_channel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/channels/{name}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a message through a channel now
         * @description Needs the permission `secrets` in the project.
         */
        post: operations["test_channel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/completion": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell which keys or values may be written at a place of a pipeline file
         * @description Needs the permission `view` in the project.
         */
        post: operations["complete_text"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/deployments/{a}/diff/{b}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare what two deployments brought: image, files, settings, manifest
         * @description Needs the permission `view` in the project.
         */
        get: operations["diff_deployments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/deployments/{deployment}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a deployment with its settings and manifest, without secrets
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_deployment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/environments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the environments of a project with what is live there
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_environments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/environments/{environment}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show an environment with what is live there
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_environment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/environments/{environment}/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the deployments of an environment, newest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_deployments"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/environments/{environment}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Roll back the stage whose deployment is live in an environment
         * @description Needs the permission `roll-back` in the project.
         */
        post: operations["roll_back_environment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/environments/{environment}/rollback/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what a rollback of an environment would restore and cut off
         * @description Needs the permission `roll-back` in the project.
         */
        post: operations["plan_environment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/hooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the hooks of a project, without their secrets
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_hooks"];
        put?: never;
        /**
         * Make a hook for all pipelines of a project
         * @description Needs the permission `edit` in the project.
         */
        post: operations["add_hook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/hooks/{hook}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a hook
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_hook"];
        put?: never;
        post?: never;
        /**
         * Delete a hook with what it was delivered
         * @description Needs the permission `edit` in the project.
         */
        delete: operations["delete_hook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/hooks/{hook}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what a hook was delivered, newest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/hooks/{hook}/deliveries/{delivery}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a delivery, and why each pipeline was started by it or not
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_delivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/hooks/{hook}/deliveries/{delivery}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a delivery count once more: it may start new runs
         * @description Needs the permission `start` in the project.
         */
        post: operations["replay_delivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/insights": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell how runs went lately: results, repairs, times, flaky steps
         * @description Needs the permission `view` in the project.
         */
        get: operations["show_insights"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/lint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what is wrong with a definition, and how it is drawn, without storing it
         * @description Needs the permission `view` in the project.
         */
        post: operations["lint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the members of a project
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_members"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/members/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Give a user a role in a project
         * @description Needs the permission `manage` in the project.
         */
        put: operations["set_member"];
        post?: never;
        /**
         * Take a user out of a project
         * @description Needs the permission `manage` in the project.
         */
        delete: operations["drop_member"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/packages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the packages of a project
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_packages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/packages/{namespace}/{repository}/{name}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the files of a version of a package
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_files"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/packages/{namespace}/{repository}/{name}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the versions of a package
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/packages/{namespace}/{repository}/{name}/{version}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Give the bytes of a file; its path may hold slashes
         * @description Needs the permission `download` in the project.
         */
        get: operations["download_file"];
        /**
         * Store the body as a file; package and version are made when missing
         * @description Needs the permission `roll-back` in the project.
         */
        put: operations["upload_file"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the pipelines of a project with how their last runs went, newest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_pipelines"];
        put?: never;
        /**
         * Make a pipeline from a definition; the format is recognised from its content
         * @description Needs the permission `edit` in the project.
         */
        post: operations["create_pipeline"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a pipeline; as YAML its definition, a file that can be imported
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_pipeline"];
        /**
         * Replace the definition: a new version; runs keep the one that they began with
         * @description Needs the permission `edit` in the project.
         */
        put: operations["edit_pipeline"];
        post?: never;
        /**
         * Delete a pipeline; its runs stay readable
         * @description Needs the permission `edit` in the project.
         */
        delete: operations["delete_pipeline"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/definition": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Give the definition as it was taken in
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_definition"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/graph": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a version of a pipeline as it is drawn
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_graph"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/hooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the hooks of a pipeline, without their secrets
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_pipeline_hooks"];
        put?: never;
        /**
         * Make a hook to which a code host delivers its events, for a pipeline
         * @description Needs the permission `edit` in the project.
         */
        post: operations["add_pipeline_hook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/remote-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the token of the remote trigger
         * @description Needs the permission `edit` in the project.
         */
        get: operations["get_remote_token"];
        put?: never;
        /**
         * Make a new token for the remote trigger of a pipeline; the old one is refused
         * @description Needs the permission `edit` in the project.
         */
        post: operations["make_remote_token"];
        /**
         * Take the token of the remote trigger away
         * @description Needs the permission `edit` in the project.
         */
        delete: operations["delete_remote_token"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start the newest version of a pipeline
         * @description Needs the permission `start` in the project.
         */
        post: operations["start_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/start-form": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The parameters that a start may be given, with their kinds and defaults
         * @description Needs the permission `view` in the project.
         */
        get: operations["show_start_form"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/triggers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what starts a pipeline; of timers, when they fire next
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_triggers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the versions of a pipeline that are kept, newest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_pipeline_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/pipelines/{pipeline}/versions/{a}/diff/{b}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare two versions of a pipeline, as files and step by step
         * @description Needs the permission `view` in the project.
         */
        get: operations["diff_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/plugins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The installed plugins, and whether the project can use them
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_in_project"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/plugins/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Switch a plugin on or off in a project
         * @description Needs the permission `manage` in the project.
         */
        put: operations["switch_plugin"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/quality-checks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List how quality rules judged runs, newest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_checks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/quality-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the quality rules of a project, oldest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_rules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/quality-rules/{rule}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a quality rule
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_rule"];
        /**
         * Make or replace a quality rule; stages name it in `ruleIds`
         * @description Needs the permission `manage` in the project.
         */
        put: operations["put_rule"];
        post?: never;
        /**
         * Remove a quality rule; it holds no stage up from then on
         * @description Needs the permission `manage` in the project.
         */
        delete: operations["delete_rule"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List runs, newest first
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_runs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a run with its stages, jobs and steps
         * @description Needs the permission `view` in the project.
         */
        get: operations["get_run"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the files that the steps of a run kept
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_artifacts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/artifacts/{step}/{attempt}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Give the bytes of an artifact to be kept as a file; its path may hold slashes
         * @description Needs the permission `download` in the project.
         */
        get: operations["download_artifact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the attempts of a run: who asked for them and why, what they did
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_attempts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/attempts/{a}/diff/{b}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare two attempts of a run, step by step
         * @description Needs the permission `view` in the project.
         */
        get: operations["diff_attempts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/failure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what failed first in a run, its last lines, and since when it does
         * @description Needs the permission `view` in the project.
         */
        get: operations["show_failure"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/log/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All logs of a run, of all attempts, as a zip archive
         * @description Needs the permission `view-log` in the project.
         */
        get: operations["download_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/log/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Find lines in all logs of a run, of all attempts
         * @description Needs the permission `view-log` in the project.
         */
        get: operations["search_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the metrics of quality that the steps of a run left
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/recovery/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry or skip; with If-Match only if the run has not moved on
         * @description Needs the permission `retry` in the project.
         */
        post: operations["apply"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/recovery/modes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List every way to recover a run, each with what it would do or why it can't be
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_modes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/recovery/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what a retry or skip would run again and keep, and why
         * @description Needs the permission `retry` in the project.
         */
        post: operations["plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/remark": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set the remark of a run
         * @description Needs the permission `start` in the project.
         */
        put: operations["set_remark"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the reports that the steps of a run left
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_reports"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/reports/{step}/{attempt}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Give a page of a report; its path may hold slashes
         * @description Needs the permission `download` in the project.
         */
        get: operations["show_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/stages/{stage}/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Approve or refuse a stage that waits for a review, or (stage-1) that a run begins
         * @description Needs the permission `approve` in the project.
         */
        post: operations["answer_stage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/stages/{stage}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Roll a stage back; with If-Match only if what was planned still holds
         * @description Needs the permission `roll-back` in the project.
         */
        post: operations["roll_back_stage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/stages/{stage}/rollback/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what a rollback of a stage would restore and cut off
         * @description Needs the permission `roll-back` in the project.
         */
        post: operations["plan_stage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/steps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the steps of a run with all their attempts
         * @description Needs the permission `view` in the project.
         */
        get: operations["list_steps"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/steps/{step}/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Answer a step that waits for a review
         * @description Needs the permission `approve` in the project.
         */
        post: operations["answer_step"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/steps/{step}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Give the log of a step as text, some lines of it (JSON), or follow it (SSE)
         * @description Needs the permission `view-log` in the project.
         */
        get: operations["get_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/steps/{step}/log/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare the logs of two attempts of a step, line by line
         * @description Needs the permission `view-log` in the project.
         */
        get: operations["diff_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/steps/{step}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a paused step run, or cancel it
         * @description Needs the permission `start` in the project.
         */
        post: operations["resume_step"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop a run; asked again after a minute it ends by force
         * @description Needs the permission `view` in the project.
         */
        post: operations["stop_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/tests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tests of a run, by the JUnit reports that its steps kept
         * @description Needs the permission `download` in the project.
         */
        get: operations["list_tests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/runs/{run}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show when jobs and steps were tried, beside the last run that succeeded
         * @description Needs the permission `view` in the project.
         */
        get: operations["show_timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the secrets of a project by name, without their values
         * @description Needs the permission `use-secret` in the project.
         */
        get: operations["list_secrets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/secrets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show a secret, without its values
         * @description Needs the permission `use-secret` in the project.
         */
        get: operations["get_secret"];
        /**
         * Set a secret; steps name it as `${{ settings.NAME.value }}`
         * @description Needs the permission `secrets` in the project.
         */
        put: operations["put_secret"];
        post?: never;
        /**
         * Remove a secret; steps that name it fail from then on
         * @description Needs the permission `secrets` in the project.
         */
        delete: operations["delete_secret"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{project}/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show which release of each service is live in which environment
         * @description Needs the permission `view` in the project.
         */
        get: operations["show_services"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runners": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the machines that run jobs, with their slots and how many are taken */
        get: operations["list_runners"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runs/{run}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find a run, in whatever project it is */
        get: operations["find_run"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/schemas/{schema}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The JSON Schema of pipeline files: pipeline-v3.json, pipeline-v2.json */
        get: operations["show_schema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who calls; `user` is null without a credential */
        get: operations["show_session"];
        put?: never;
        /** Sign in to the page with a password or a token; sets a cookie for 7 days */
        post: operations["open_session"];
        /** Sign out of the page: the session ends */
        delete: operations["close_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one's own tokens; admins: all */
        get: operations["list_tokens"];
        put?: never;
        /** Make a token, never with more rights than one's own */
        post: operations["create_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a token; it is refused from that moment */
        delete: operations["revoke_token"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List users (server admins) */
        get: operations["list_users"];
        put?: never;
        /** Make a user (server admins) */
        post: operations["create_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Set one's own language and address; admins: also password, and disable a user */
        patch: operations["change_user"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AboutView
         * @description What the server is. Args: user, is_admin, language: The caller. database: Its kind and version. dialects: The APIs that it speaks, with the prefixes of their paths. retry_days: How long after its start a run may be retried; 0 = for ever.
         */
        AboutView: {
            database: string;
            dialects: {
                [key: string]: string;
            };
            is_admin: boolean;
            is_dev: boolean;
            language: string;
            name: string;
            now: string;
            public_url: string;
            python: string;
            retry_days: number;
            system: string;
            user: string;
            version: string;
        };
        /**
         * AccessKeyBody
         * @description A new access key: it stands for the caller in one project.
         */
        AccessKeyBody: {
            project: string;
        };
        /**
         * AccessKeyList
         * @description A page of access keys.
         */
        AccessKeyList: {
            items: components["schemas"]["AccessKeyView"][];
            next_cursor: string | null;
        };
        /**
         * AccessKeyView
         * @description An access key, without its secret.
         */
        AccessKeyView: {
            access: string;
            created_at: string;
            project: string;
        };
        /**
         * AnswerBody
         * @description An answer to a review. `group`: id of the review group, absent = the one asked now.
         */
        AnswerBody: {
            approve: boolean;
            /** @default  */
            group?: string;
            /** @default  */
            suggestion?: string;
            /** @default {} */
            values?: Record<string, never>;
        };
        /**
         * AppBody
         * @description A new application for some projects.
         */
        AppBody: {
            code: string;
            projects: string[];
        };
        /**
         * ApprovalGroup
         * @description People who are asked. `state`: done, asked (now) or waiting (for those before).
         */
        ApprovalGroup: {
            id: string;
            name: string;
            reviewers: string[];
            state: string;
            votes: components["schemas"]["VoteView"][];
        };
        /**
         * ApprovalList
         * @description A page of what waits, oldest first.
         */
        ApprovalList: {
            items: components["schemas"]["ApprovalView"][];
            next_cursor: string | null;
        };
        /**
         * ApprovalParameter
         * @description A value that who answers may change.
         */
        ApprovalParameter: {
            desc: string;
            key: string;
            kind: string;
            required: boolean;
            value: unknown;
        };
        /**
         * ApprovalView
         * @description Something that waits for people. Args: kind: stage-review, step-review, pause, quality (gatekeepers let pass what rules hold) or trigger-review (may the run begin that an event has started?). node: Id of the stage or step; of a trigger-review stage-1. asked_by: Who started the run, or retried it last. groups: In the order in which they are asked; empty of a pause: whoever may start runs. comment_required: An answer needs words, too. mine: The caller may answer now. path: Where to POST the answer to, below `/api/v1`.
         */
        ApprovalView: {
            asked_at: string;
            asked_by: string;
            comment_required: boolean;
            desc: string;
            due_at: string | null;
            groups: components["schemas"]["ApprovalGroup"][];
            kind: string;
            message: string;
            mine: boolean;
            name: string;
            node: string;
            number: number;
            parameters: components["schemas"]["ApprovalParameter"][];
            path: string;
            pipeline: string;
            pipeline_name: string;
            project: string;
            run: string;
            stage: string;
            stage_name: string;
        };
        /**
         * ArtifactList
         * @description A page of artifacts. `total`: on all pages.
         */
        ArtifactList: {
            items: components["schemas"]["ArtifactView"][];
            next_cursor: string | null;
            total: number;
        };
        /**
         * ArtifactView
         * @description A file that a step kept. Args: name: Last part of its path; of an output of a build, of its path in the package. path: In the run; an attempt of a step has one file of a path. package: Where an output of a build was published: organisation/repository/package/ version/path; null for others. size: In bytes. attempt: Of the step; `run_attempt`: of the run, when it was kept. newest: Kept by the newest attempt of its step: what later steps and downloads take. download: Path of its bytes on this server.
         */
        ArtifactView: {
            attempt: number;
            created_at: string;
            download: string;
            name: string;
            newest: boolean;
            package: string | null;
            path: string;
            run_attempt: number;
            sha256: string;
            size: number;
            step: string;
            step_name: string;
        };
        /**
         * AttemptDiff
         * @description How two attempts of a run differ. `changes`: what people changed for a retry in between. `variables`: null if the run has too many events to tell.
         */
        AttemptDiff: {
            after: components["schemas"]["AttemptView"];
            before: components["schemas"]["AttemptView"];
            changes: components["schemas"]["ChangeView"][];
            run: string;
            steps: components["schemas"]["StepDiff"][];
            variables: components["schemas"]["ValueDiff"][] | null;
        };
        /**
         * AttemptItem
         * @description One attempt of a run: who asked for it, when and why, what it did, how it ended. Args: ran, skipped, kept: Steps that ran in it, that it left out, and whose earlier result it kept; at most 200 are named, `counts` counts all. repairs: What was repaired while it went on. seconds: From its start to its end. changes: What was changed for it, besides what was changed before.
         */
        AttemptItem: {
            actor: string;
            cause: string | null;
            changes: components["schemas"]["ChangedRef"][];
            counts: {
                [key: string]: number;
            };
            ended_at: string | null;
            kept: components["schemas"]["StepRef"][];
            number: number;
            queued_at: string;
            ran: components["schemas"]["StepRef"][];
            reason: string;
            repairs: components["schemas"]["RepairView"][];
            seconds: number | null;
            seconds_saved: number;
            skipped: components["schemas"]["StepRef"][];
            started_at: string | null;
            status: string | null;
            target: string;
            what: string;
        };
        /**
         * AttemptList
         * @description The attempts of a run, oldest first: the history of its recovery.
         */
        AttemptList: {
            items: components["schemas"]["AttemptItem"][];
        };
        /**
         * AttemptView
         * @description One pass over a run. Args: what: start, retry, skip or rollback. target: Id of a node; "" = the whole run.
         */
        AttemptView: {
            actor: string;
            cause: string | null;
            ended_at: string | null;
            number: number;
            queued_at: string;
            reason: string;
            started_at: string | null;
            status: string | null;
            target: string;
            what: string;
        };
        /**
         * AuditList
         * @description A page of the audit trail, newest first.
         */
        AuditList: {
            items: components["schemas"]["AuditView"][];
            next_cursor: string | null;
        };
        /**
         * AuditView
         * @description Who did what, when, from where and why.
         */
        AuditView: {
            action: string;
            actor: string;
            at: string;
            detail: Record<string, never>;
            id: number;
            origin: string;
            outcome: string;
            reason: string;
            target: string;
        };
        /**
         * CallerView
         * @description The step of another run that has started a run; `waits`: for its end.
         */
        CallerView: {
            number: number;
            pipeline: string;
            pipeline_name: string;
            run: string;
            step: string;
            waits: boolean;
        };
        /**
         * Caution
         * @description A part of a definition that was taken in but can't run here. Args: pointer: JSON pointer into the document that was sent. line, column: In a pipeline file in YAML, from 1.
         */
        Caution: {
            /** @default null */
            column?: number | null;
            detail: string;
            /** @default null */
            line?: number | null;
            pointer: string;
        };
        /**
         * ChangeView
         * @description What is otherwise than before. `before` and `after`: null = not there. A time-out is in seconds, or the text that gives its minutes. `secret`: values are `******`.
         */
        ChangeView: {
            after: unknown;
            before: unknown;
            kind: string;
            name: string;
            secret: boolean;
            step: string | null;
            step_name: string;
        };
        /**
         * Changeable
         * @description What can be changed for a retry. `may_…`: whether who asks may change it.
         */
        Changeable: {
            may_change_parameters: boolean;
            may_change_steps: boolean;
            parameters: components["schemas"]["ChangeableParameter"][];
            steps: components["schemas"]["ChangeableStep"][];
        };
        /**
         * ChangeableParameter
         * @description A parameter of the run; its `default` is the present value. Args: fixed: Why it can't be changed; "" = it can. changed: It is not as the run was started with.
         */
        ChangeableParameter: {
            changed: boolean;
            default: string;
            desc: string;
            fixed: string;
            has_default: boolean;
            kind: string;
            name: string;
            options: string[];
            read_only: boolean;
            required: boolean;
            sensitive: boolean;
            shown_when: {
                [key: string]: string;
            };
        };
        /**
         * ChangeableStep
         * @description A step that failed. `fixed`: it can't be changed; `timeout_s`: null = a variable gives it.
         */
        ChangeableStep: {
            env: components["schemas"]["ChangeableValue"][];
            fixed: boolean;
            id: string;
            inputs: components["schemas"]["ChangeableValue"][];
            job: string;
            kind: string;
            name: string;
            timeout_changed: boolean;
            timeout_s: number | null;
        };
        /**
         * ChangeableValue
         * @description An input, or a variable of the environment, as it is now. Args: type: text, number, flag, texts (a list) or any. value: `******` if it is secret. changed: It is not as defined.
         */
        ChangeableValue: {
            changed: boolean;
            name: string;
            secret: boolean;
            type: string;
            value: unknown;
        };
        /**
         * ChangedRef
         * @description What somebody changed for an attempt, without its value. Args: kind: input, env, timeout or parameter. step: Id of the step; null = a parameter of the run.
         */
        ChangedRef: {
            kind: string;
            name: string;
            step: string | null;
            step_name: string;
        };
        /**
         * ChangesBody
         * @description What is to be otherwise from the next attempt on; at most 200 changes, 256 KB. Args: steps: By id or the step's own ref; only such as run again. Needs the right to edit. parameters: New values by name; null = the one that the run was started with.
         */
        ChangesBody: {
            /** @default {} */
            parameters?: Record<string, never>;
            /** @default {} */
            steps?: {
                [key: string]: components["schemas"]["StepChangesBody"];
            };
        };
        /**
         * ChannelBody
         * @description A channel. `type`: webhook, wecom, dingtalk, feishu or slack. Args: url: Of the webhook or robot. key: What its messages are signed with; empty = they are not. tells: What of all pipelines goes there: success, failure, review. chats: Ids of chats that pipelines name and that mean this channel.
         */
        ChannelBody: {
            /** @default [] */
            chats?: string[];
            /** @default  */
            key?: string;
            /** @default [] */
            tells?: string[];
            type: string;
            url: string;
        };
        /**
         * ChannelList
         * @description A page of channels.
         */
        ChannelList: {
            items: components["schemas"]["ChannelView"][];
            next_cursor: string | null;
        };
        /**
         * ChannelTest
         * @description Whether a message was taken; `problem`: why not.
         */
        ChannelTest: {
            problem: string;
            sent: boolean;
        };
        /**
         * ChannelView
         * @description A channel; `site`: scheme and host of its URL.
         */
        ChannelView: {
            chats: string[];
            name: string;
            site: string;
            tells: string[];
            type: string;
            updated_at: string;
            updated_by: string;
        };
        /**
         * CheckList
         * @description A page of checks.
         */
        CheckList: {
            items: components["schemas"]["CheckView"][];
            next_cursor: string | null;
        };
        /**
         * CheckResult
         * @description What a rule came to.
         * @enum {unknown}
         */
        CheckResult: "failed" | "let-through" | "passed" | "refused" | "waiting";
        /**
         * CheckView
         * @description How a rule judged a run. `side`: check-in or check-out of the stage, or the id of the gate step around a plugin. `answered_by`: the gatekeeper who had the last word, if one had it.
         */
        CheckView: {
            answered_at: string | null;
            answered_by: string | null;
            attempt: number;
            checked_at: string;
            conditions: components["schemas"]["CheckedMetric"][];
            id: number;
            name: string;
            number: number;
            pipeline: string;
            result: components["schemas"]["CheckResult"];
            rule: string;
            run: string;
            side: string;
            stage: string;
        };
        /**
         * CheckedMetric
         * @description A condition and what the metric was; `found` is "" when nobody told it.
         */
        CheckedMetric: {
            found: string;
            metric: string;
            operator: string;
            value: string;
        };
        /**
         * ClockBody
         * @description Seconds to move the clock forward.
         */
        ClockBody: {
            advance: number;
        };
        /**
         * ClockView
         * @description The time that the server believes in.
         */
        ClockView: {
            now: string;
        };
        /**
         * CompletionBody
         * @description A pipeline file that is being written. `line`, `column`: of the cursor, from 1.
         */
        CompletionBody: {
            /** @default 1 */
            column?: number;
            line: number;
            text: string;
        };
        /**
         * CompletionItem
         * @description Something that may be written. `kind`: key or value; `has`: what stands behind a key.
         */
        CompletionItem: {
            desc: string;
            has: string;
            kind: string;
            text: string;
        };
        /**
         * CompletionList
         * @description What may be written at a place.
         */
        CompletionList: {
            items: components["schemas"]["CompletionItem"][];
        };
        /**
         * ConditionBody
         * @description What a metric must be like. `operator`: <, <=, >, >=, == or !=; `value`: also true, false.
         */
        ConditionBody: {
            metric: string;
            operator: string;
            value: string | number | boolean;
        };
        /**
         * ConditionView
         * @description What a metric must be like.
         */
        ConditionView: {
            metric: string;
            operator: string;
            value: string;
        };
        /**
         * DayView
         * @description The runs that were asked for on one day, UTC.
         */
        DayView: {
            /** Format: date */
            day: string;
            failed: number;
            recovered: number;
            runs: number;
            succeeded: number;
        };
        /**
         * DeliveryDetail
         * @description A delivery with all that is kept of it. `payload`: the beginning of the body.
         */
        DeliveryDetail: {
            action: string;
            commit: string;
            event: string;
            headers: {
                [key: string]: string;
            };
            hook: string;
            id: number;
            key: string;
            outcomes: components["schemas"]["OutcomeView"][];
            payload: string;
            reason: string;
            received_at: string;
            ref: string;
            replay_of: number | null;
            sender: string;
            size: number;
            state: string;
            title: string;
            user: string;
        };
        /**
         * DeliveryList
         * @description A page of deliveries.
         */
        DeliveryList: {
            items: components["schemas"]["DeliveryView"][];
            next_cursor: string | null;
        };
        /**
         * DeliveryView
         * @description A delivery as lists show it. `state`: open, done or refused; `replay_of`: null = none.
         */
        DeliveryView: {
            action: string;
            commit: string;
            event: string;
            hook: string;
            id: number;
            key: string;
            reason: string;
            received_at: string;
            ref: string;
            replay_of: number | null;
            sender: string;
            size: number;
            state: string;
            title: string;
            user: string;
        };
        /**
         * DeploymentDetail
         * @description A deployment with what was deployed; secrets in it are `******`. Args: environment: Id. tries: How often it was begun; more than once after a crash. info: Settings of the target as they were resolved. manifest: What the driver applied, for people.
         */
        DeploymentDetail: {
            actor: string;
            deploy_mode: string;
            ended_at: string | null;
            environment: string;
            files: {
                [key: string]: string;
            };
            gray_mode: string;
            id: string;
            image: string;
            info: string;
            is_live: boolean;
            kind: string;
            manifest: string | null;
            number: number;
            pipeline: string;
            previous: string | null;
            run: string;
            stage: components["schemas"]["StagePlace"] | null;
            started_at: string;
            status: string;
            target: string | null;
            tries: number;
        };
        /**
         * DeploymentDiff
         * @description How two deployments differ, secrets masked. Args: commit_before, commit_after: Of the events that started their runs; "" if none did. settings: Of the target, as they were resolved. manifest: What the driver applied. files: Package files that are others, by name, with their SHA-256.
         */
        DeploymentDiff: {
            after: components["schemas"]["DeploymentView"];
            before: components["schemas"]["DeploymentView"];
            commit_after: string;
            commit_before: string;
            files: components["schemas"]["FileDiff"][];
            image_changed: boolean;
            manifest: components["schemas"]["TextDiff"];
            message_after: string;
            message_before: string;
            same_environment: boolean;
            settings: components["schemas"]["TextDiff"];
        };
        /**
         * DeploymentList
         * @description A page of deployments, newest first.
         */
        DeploymentList: {
            items: components["schemas"]["DeploymentView"][];
            next_cursor: string | null;
        };
        /**
         * DeploymentView
         * @description One act on an environment. Args: number: Ascends over the server. kind: deploy, gray, promote, rollback, abort, or base (what was there before the first). status: running, succeeded, failed, unreachable or cancelled. stage: None when its definition is gone. image: `namespace/repository:tag`, "" without. files: Package files by name, each with its SHA-256. previous: Id of the deployment that was live before. target: Id of the deployment that a rollback restores, or that is promoted or aborted. is_live: What it brought is what is there now.
         */
        DeploymentView: {
            actor: string;
            ended_at: string | null;
            files: {
                [key: string]: string;
            };
            id: string;
            image: string;
            is_live: boolean;
            kind: string;
            number: number;
            pipeline: string;
            previous: string | null;
            run: string;
            stage: components["schemas"]["StagePlace"] | null;
            started_at: string;
            status: string;
            target: string | null;
        };
        /**
         * DocumentBody
         * @description A pipeline in any of the formats that are known; see the guide of each.
         */
        DocumentBody: Record<string, never>;
        /**
         * EnvironmentList
         * @description A page of environments.
         */
        EnvironmentList: {
            items: components["schemas"]["EnvironmentView"][];
            next_cursor: string | null;
        };
        /**
         * EnvironmentView
         * @description Where releases live. `holder`: the deployment that is under way.
         */
        EnvironmentView: {
            application: string;
            driver: string;
            gray: components["schemas"]["DeploymentView"] | null;
            holder: components["schemas"]["DeploymentView"] | null;
            id: string;
            key: string;
            live: components["schemas"]["DeploymentView"] | null;
            name: string;
            updated_at: string | null;
        };
        /**
         * FailedNode
         * @description What failed first, by itself. Args: kind: step, job, stage or run: the lowest that says so; what it lies in is named too. attempt: Of the node. step_kind, plugin: Of a step: what does its work. error_type, error_code: Numbers of the table of errors, where the step or plugin told them. others: How many more nodes failed, because of this one or besides. retry: What to name as `target` of a recovery.
         */
        FailedNode: {
            attempt: number;
            cause: string | null;
            ended_at: string | null;
            error_code: number | null;
            error_type: number | null;
            exit_code: number | null;
            job: components["schemas"]["NodeName"] | null;
            kind: string;
            message: string;
            others: number;
            plugin: string;
            retry: string;
            seconds: number | null;
            signal: number | null;
            stage: components["schemas"]["NodeName"] | null;
            started_at: string | null;
            status: string;
            step: components["schemas"]["NodeName"] | null;
            step_kind: string;
        };
        /**
         * FailureView
         * @description Why a run failed. `node`: null if nothing failed; `log`: null without a step or the right.
         */
        FailureView: {
            attempt: number;
            log: components["schemas"]["LogPage"] | null;
            node: components["schemas"]["FailedNode"] | null;
            number: number;
            owner: string;
            run: string;
            since: components["schemas"]["SinceView"] | null;
            status: string;
        };
        /**
         * FileDiff
         * @description A file of a package that differs. Absent on one side: null.
         */
        FileDiff: {
            after: string | null;
            before: string | null;
            name: string;
        };
        /**
         * FlakyView
         * @description A step that failed and then passed with the same inputs. Args: times: In how many of the runs. last_run: The newest of them.
         */
        FlakyView: {
            last_run: string;
            name: string;
            pipeline: string;
            step: string;
            times: number;
        };
        /**
         * GateView
         * @description The run waits here. Args: kind: stage-review, step-review, pause, signal (a webhook or channel), quality (rules of the stage that is the node; gatekeepers answer as to a review) or trigger-review (may the run begin that an event has started? The node is stage-1). signals: Of a signal: how many have come, and how many are needed.
         */
        GateView: {
            due_at: string | null;
            group: string;
            kind: string;
            node: string;
            opened_at: string;
            reviewers: string[];
            signals: [
                number,
                number
            ] | null;
        };
        /**
         * Graph
         * @description A definition as it is drawn.
         */
        Graph: {
            name: string;
            stages: components["schemas"]["GraphStage"][];
        };
        /**
         * GraphJob
         * @description A job. `needs`: ids of jobs of its stage that come before it; `is_matrix`: one of many.
         */
        GraphJob: {
            enabled: boolean;
            id: string;
            is_matrix: boolean;
            name: string;
            needs: string[];
            steps: components["schemas"]["GraphStep"][];
        };
        /**
         * GraphStage
         * @description A stage. `reviewed`: people approve it before it begins; `deploys`: it can be rolled back.
         */
        GraphStage: {
            deploys: boolean;
            enabled: boolean;
            id: string;
            is_finally: boolean;
            jobs: components["schemas"]["GraphJob"][];
            name: string;
            reviewed: boolean;
        };
        /**
         * GraphStep
         * @description A step, and what can be done with it when it fails. Args: auto_retries: Tries after the first that happen by themselves. pauses: A person lets it begin. goes_on: Its failure does not stop its job.
         */
        GraphStep: {
            auto_retries: number;
            enabled: boolean;
            goes_on: boolean;
            id: string;
            kind: string;
            may_retry: boolean;
            may_skip: boolean;
            name: string;
            pauses: boolean;
            plugin: string;
        };
        /**
         * GreenRun
         * @description The run that a run is compared with: the last one before it that succeeded. `branch`: the same as of the run, if one succeeded there; "" = no event of a branch started it.
         */
        GreenRun: {
            branch: string;
            ended_at: string | null;
            id: string;
            number: number;
        };
        /**
         * HolderView
         * @description A run that has what others wait for; `job`: the job of it that has a mutex, else "".
         */
        HolderView: {
            job: string;
            job_name: string;
            number: number;
            pipeline: string;
            pipeline_name: string;
            run: string;
        };
        /**
         * HookBody
         * @description A new hook. Args: kind: github, gitlab, gitea, gitee, tgit or standard. events: Which ones start a pipeline that has no code triggers of its own. credential: Name of a secret whose token tells the host how runs go; absent = it isn't told. api: Base of the host's API, when it does not follow from the repository's address.
         */
        HookBody: {
            /** @default  */
            api?: string;
            /** @default  */
            credential?: string;
            /**
             * @default [
             *       "push"
             *     ]
             */
            events?: string[];
            kind: string;
            /** @default  */
            name?: string;
            secret: string;
        };
        /**
         * HookList
         * @description A page of hooks.
         */
        HookList: {
            items: components["schemas"]["HookView"][];
            next_cursor: string | null;
        };
        /**
         * HookView
         * @description A hook, without its secret. `pipeline`: null = all of the project.
         */
        HookView: {
            created_at: string;
            created_by: string;
            credential: string;
            events: string[];
            id: string;
            kind: string;
            name: string;
            pipeline: string | null;
            url: string;
        };
        /**
         * InsightsView
         * @description How the runs of a time went. Shares are 0 to 1; what can't be told is null. Args: runs: How many are counted, at most 10,000: the newest. success_share: Of those that ended with a result, how many succeeded. recovered_share: How many of them succeeded only after they were repaired. rescue_share: Of those that had failed, how many succeeded in the end. seconds_saved: Work that was kept by repairs instead of being run again. recover_p50_seconds, recover_p95_seconds: From the first bad end to the good one. flaky: Steps that failed and passed with the same inputs, most often first.
         */
        InsightsView: {
            cancelled: number;
            days: number;
            failed: number;
            flaky: components["schemas"]["FlakyView"][];
            history: components["schemas"]["DayView"][];
            p50_seconds: number | null;
            p95_seconds: number | null;
            queue_p50_seconds: number | null;
            recover_p50_seconds: number | null;
            recover_p95_seconds: number | null;
            recovered: number;
            recovered_share: number | null;
            rescue_share: number | null;
            runs: number;
            seconds_saved: number;
            succeeded: number;
            success_share: number | null;
            unfinished: number;
        };
        /**
         * InstalledPlugin
         * @description A plugin that was installed. Its members are named as in `task.json`.
         */
        InstalledPlugin: {
            atomCode: string;
            version: string;
        };
        /**
         * JobView
         * @description A job of a run. Args: copy_of: Of a copy of a matrix job: the id of that job, which itself has no steps. values: Of such a copy: its combination. mode: "" or rollback: this attempt takes back what the job deployed. needs: Ids of jobs of the stage that it waits for. message: Why it ended, where no step of it says so. workspace: fresh, live or widened. queued_at: Since when it waited for a runner.
         */
        JobView: {
            attempt: number;
            cause: string | null;
            copy_of: string | null;
            ended_at: string | null;
            id: string;
            message: string;
            mode: string;
            name: string;
            needs: string[];
            queued_at: string | null;
            ref: string;
            run_attempt: number;
            runner: string | null;
            started_at: string | null;
            status: string;
            steps: components["schemas"]["StepView"][];
            values: {
                [key: string]: string;
            };
            workspace: string;
        };
        /**
         * LastAct
         * @description What somebody has done to a run last. Args: what: start, retry, skip, rollback, stop or release. target: Id of the stage, job or step that it was about; "" = the whole run.
         */
        LastAct: {
            at: string;
            by: string;
            name: string;
            target: string;
            what: string;
        };
        /**
         * LintFinding
         * @description Something in a definition. Args: severity: error (it can't be stored) or warning (it can't run here). line, column: From 1; null where they can't be told.
         */
        LintFinding: {
            column: number | null;
            detail: string;
            line: number | null;
            pointer: string;
            severity: string;
        };
        /**
         * LintReport
         * @description What is to be said about a definition. `graph`: null if there are errors.
         */
        LintReport: {
            findings: components["schemas"]["LintFinding"][];
            graph: components["schemas"]["Graph"] | null;
            ok: boolean;
        };
        /**
         * LogDiff
         * @description How the logs of two attempts of a step differ, without regard to colours. Args: before, after: The attempts of the step. before_lines, after_lines: How many lines the two logs have. cut: Only the first lines of a log that is longer were compared: 5,000, or 1 MiB of them; then they are never said to be the same.
         */
        LogDiff: {
            added: number;
            after: number;
            after_lines: number;
            before: number;
            before_lines: number;
            cut: boolean;
            lines: string[] | null;
            removed: number;
            same: boolean;
            step: string;
        };
        /**
         * LogHit
         * @description A line that a search has found. Args: attempt, line: Of the step; both count from 1. text: The match and what is around it, without escape sequences. begin, end: Of the match in `text`, in characters.
         */
        LogHit: {
            at: string;
            attempt: number;
            begin: number;
            end: number;
            job: string;
            line: number;
            stage: string;
            step: string;
            step_name: string;
            text: string;
        };
        /**
         * LogHits
         * @description Lines of a run that were found, by job and line. `next_cursor`: goes on where the search stopped, after enough hits or enough time; null at the end of the last log.
         */
        LogHits: {
            items: components["schemas"]["LogHit"][];
            next_cursor: string | null;
        };
        /**
         * LogLineView
         * @description A line of a log. Args: number: In the attempt of the step, from 1 without gaps. at: When its first bytes came. text: Without newline; escape sequences (colours) are kept, wrong UTF-8 is U+FFFD. complete: False for the last line while it may still grow. continues: A piece of a line over 16 KiB, which goes on with the next number.
         */
        LogLineView: {
            at: string;
            complete: boolean;
            continues: boolean;
            number: number;
            text: string;
        };
        /**
         * LogPage
         * @description Some lines of the log of one attempt of a step. Args: attempt: Of the step. total: How many lines there are at the moment. ended: Nothing will be added. offset: Where to follow from: the `after` of `follow=true` for what comes next. lines: Ascending; fewer than asked for at the end, or when they are very long.
         */
        LogPage: {
            attempt: number;
            ended: boolean;
            lines: components["schemas"]["LogLineView"][];
            offset: number;
            step: string;
            total: number;
        };
        /**
         * MemberBody
         * @description A place in a project.
         */
        MemberBody: {
            /** @default [] */
            permissions?: string[];
            role: string;
        };
        /**
         * MemberList
         * @description A page of members.
         */
        MemberList: {
            items: components["schemas"]["MemberView"][];
            next_cursor: string | null;
        };
        /**
         * MemberView
         * @description A user's place in a project.
         */
        MemberView: {
            permissions: string[];
            role: string;
            user: string;
        };
        /**
         * MetricsList
         * @description A page of metrics.
         */
        MetricsList: {
            items: components["schemas"]["MetricsView"][];
            next_cursor: string | null;
        };
        /**
         * MetricsView
         * @description Metrics of quality that a step left, by name.
         */
        MetricsView: {
            attempt: number;
            created_at: string;
            name: string;
            step: string;
            values: Record<string, never>;
        };
        /**
         * ModeList
         * @description All ways to recover a run. `step`: the one that they are about; `suggested`: the default. `changeable`: what can be changed for a retry, if it was asked for with `changes=true`.
         */
        ModeList: {
            changeable: components["schemas"]["Changeable"] | null;
            etag: string;
            items: components["schemas"]["ModeView"][];
            revision: number;
            run: string;
            step: string;
            suggested: string | null;
        };
        /**
         * ModePlan
         * @description What it would do, in short; `…/recovery/plan` with the same body tells all.
         */
        ModePlan: {
            approvals: components["schemas"]["PlanApprovals"];
            counts: components["schemas"]["PlanCounts"];
            expected_seconds: number | null;
            run_attempt: number;
            seconds_saved: number;
        };
        /**
         * ModeRequest
         * @description The call that does it, below `/api/v1`; `etag` goes into `If-Match`, "" = none is needed.
         */
        ModeRequest: {
            body: Record<string, never>;
            etag: string;
            method: string;
            path: string;
        };
        /**
         * ModeView
         * @description One way to recover. Args: mode: retry-step, retry-job, retry-failed (jobs of the stage), retry-stage, retry-run, skip-step, skip-failed (steps of the stage), resume, rollback-stage. node: What it is about; "" = the whole run. needs_reason: Its body needs a `reason`. plan: null of a resume or rollback. restores: Of a rollback: the id of the deployment that would be live again. environment: Of a rollback: the id of the environment; it can be rolled back by that, too.
         */
        ModeView: {
            allowed: boolean;
            environment: string | null;
            mode: string;
            name: string;
            needs_reason: boolean;
            node: string;
            plan: components["schemas"]["ModePlan"] | null;
            request: components["schemas"]["ModeRequest"];
            restores: string | null;
            why_not: components["schemas"]["WhyNot"] | null;
        };
        /**
         * NewAccessKey
         * @description A new access key; `secret` is shown once: a repeat after a restart gets it empty.
         */
        NewAccessKey: {
            access: string;
            secret: string;
        };
        /**
         * NewApp
         * @description A new application; `secret` is stored nowhere: a repeat after a restart gets it empty.
         */
        NewApp: {
            code: string;
            secret: string;
        };
        /**
         * NewHook
         * @description A new hook: `url` and the secret are what the code host has to be told.
         */
        NewHook: {
            id: string;
            url: string;
        };
        /**
         * NewToken
         * @description A new token; `token` is stored nowhere: a repeat after a restart gets it empty.
         */
        NewToken: {
            id: string;
            token: string;
        };
        /**
         * NodeName
         * @description A node of a definition.
         */
        NodeName: {
            id: string;
            name: string;
        };
        /**
         * NodeTimesView
         * @description What is known of a job or step besides its newest attempt. Args: kind: job or step. tries: The last 20 that began, oldest first, the newest as well; empty: there was one at most. usual_seconds: What it took in `green`; null: it did not succeed there.
         */
        NodeTimesView: {
            id: string;
            kind: string;
            tries: components["schemas"]["TryView"][];
            usual_seconds: number | null;
        };
        /**
         * OutcomeView
         * @description What a delivery did to a pipeline. `run`: null = it was not started, for the `reason`.
         */
        OutcomeView: {
            passed_over: components["schemas"]["PassedOverView"][];
            pipeline: string;
            reason: string;
            run: string | null;
            trigger: string;
        };
        /**
         * PackageFileList
         * @description A page of files.
         */
        PackageFileList: {
            items: components["schemas"]["PackageFileView"][];
            next_cursor: string | null;
        };
        /**
         * PackageFileView
         * @description A file of a version. `path`: folders and name, joined by `/`.
         */
        PackageFileView: {
            created_at: string;
            created_by: string;
            path: string;
            sha256: string;
            sha512: string;
            size: number;
            updated_at: string;
        };
        /**
         * PackageList
         * @description A page of packages.
         */
        PackageList: {
            items: components["schemas"]["PackageView"][];
            next_cursor: string | null;
        };
        /**
         * PackageVersionList
         * @description A page of versions.
         */
        PackageVersionList: {
            items: components["schemas"]["PackageVersionView"][];
            next_cursor: string | null;
        };
        /**
         * PackageVersionView
         * @description A version of a package. `files`: how many.
         */
        PackageVersionView: {
            created_at: string;
            created_by: string;
            files: number;
            size: number;
            updated_at: string;
            version: string;
        };
        /**
         * PackageView
         * @description A package. `size`: of all its files, in bytes.
         */
        PackageView: {
            created_at: string;
            created_by: string;
            description: string;
            name: string;
            namespace: string;
            repository: string;
            size: number;
            updated_at: string;
            versions: number;
            visibility: string;
        };
        /**
         * ParameterView
         * @description A start parameter; sensitive values are `******`. `started_with`: the value at the start, if a retry has changed it; else null.
         */
        ParameterView: {
            name: string;
            started_with: string | null;
            value: string;
        };
        /**
         * PassedOverView
         * @description A trigger that was not fired: which of its filters said no, and why.
         */
        PassedOverView: {
            filter: string;
            reason: string;
            trigger: string;
        };
        /**
         * PastRun
         * @description An earlier run of the pipeline, as far as it concerns a node.
         */
        PastRun: {
            actor: string;
            id: string;
            message: string;
            number: number;
            queued_at: string;
        };
        /**
         * PipelineItem
         * @description A pipeline as lists show it. Args: owner: Who made it. last_run: The newest; null without runs. recent: Up to 20, newest first. p50_seconds, p95_seconds: Of the recent runs that have succeeded; null without. success_share, recovered_share: Of the recent runs that have ended, 0 to 1; null without.
         */
        PipelineItem: {
            created_at: string;
            created_by: string;
            description: string;
            id: string;
            /** @default [] */
            labels?: string[];
            last_run: components["schemas"]["RecentRunView"] | null;
            locked: boolean;
            name: string;
            number: number;
            owner: string;
            p50_seconds: number | null;
            p95_seconds: number | null;
            project: string;
            recent: components["schemas"]["RecentRunView"][];
            recovered_share: number | null;
            success_share: number | null;
            updated_at: string;
            updated_by: string;
            version: number;
        };
        /**
         * PipelineList
         * @description A page of pipelines.
         */
        PipelineList: {
            items: components["schemas"]["PipelineItem"][];
            next_cursor: string | null;
        };
        /**
         * PipelineSaved
         * @description A stored version of a pipeline, and how much work is in it.
         */
        PipelineSaved: {
            id: string;
            jobs: number;
            name: string;
            stages: number;
            steps: number;
            version: number;
            warnings: components["schemas"]["Caution"][];
        };
        /**
         * PipelineView
         * @description A pipeline.
         */
        PipelineView: {
            created_at: string;
            created_by: string;
            description: string;
            id: string;
            /** @default [] */
            labels?: string[];
            locked: boolean;
            name: string;
            number: number;
            project: string;
            updated_at: string;
            updated_by: string;
            version: number;
        };
        /**
         * PlanApprovals
         * @description Stages whose approval holds, and those that are asked again. `asked`: stages and steps at which it will stop until people have answered.
         */
        PlanApprovals: {
            asked: string[];
            kept: string[];
            void: string[];
        };
        /**
         * PlanCounts
         * @description How many steps get each action.
         */
        PlanCounts: {
            keep: number;
            rerun: number;
            skip: number;
        };
        /**
         * PlanNode
         * @description What would happen to a node, and why. Args: kind: stage, job or step. action: rerun, keep or skip. workspace: Of a job that runs again: fresh, live or widened.
         */
        PlanNode: {
            action: string;
            id: string;
            kind: string;
            name: string;
            reason: string;
            /** @default null */
            workspace?: string | null;
        };
        /**
         * PlanTarget
         * @description What was asked for. `node`: "" = the whole run.
         */
        PlanTarget: {
            node: string;
            scope: string;
        };
        /**
         * PlanView
         * @description What a recovery would do. Good for one revision; `etag` goes into `If-Match`. `expected_seconds`: what runs again usually takes so long; null if that is not known, or when it was done. `changes`: what was asked for otherwise and makes a difference.
         */
        PlanView: {
            approvals: components["schemas"]["PlanApprovals"];
            changes: components["schemas"]["ChangeView"][];
            counts: components["schemas"]["PlanCounts"];
            etag: string;
            expected_seconds: number | null;
            nodes: components["schemas"]["PlanNode"][];
            revision: number;
            run: string;
            run_attempt: number;
            seconds_saved: number;
            skip: boolean;
            target: components["schemas"]["PlanTarget"];
            while_running: boolean;
        };
        /**
         * PluginDetails
         * @description A plugin. `manifest`: the task.json of its newest version, which stands first.
         */
        PluginDetails: {
            atomCode: string;
            manifest: Record<string, never>;
            name: string;
            versions: components["schemas"]["PluginView"][];
        };
        /**
         * PluginInProject
         * @description A plugin as a project sees it. `version`: the newest; `reason`: why it can't be used.
         */
        PluginInProject: {
            atomCode: string;
            enabled: boolean;
            name: string;
            reason: string;
            version: string;
        };
        /**
         * PluginList
         * @description A page of installed versions.
         */
        PluginList: {
            items: components["schemas"]["PluginView"][];
            next_cursor: string | null;
        };
        /**
         * PluginPolicyView
         * @description What is laid down about a plugin. Args: projects: That may use it; null = all. off_in: Projects that have switched it off for themselves. settings: Names of its private settings; their values are shown to nobody.
         */
        PluginPolicyView: {
            atomCode: string;
            off_in: string[];
            projects: string[] | null;
            settings: string[];
        };
        /**
         * PluginView
         * @description An installed version of a plugin. `digest`: SHA-256 of its zip; `size` in bytes.
         */
        PluginView: {
            atomCode: string;
            digest: string;
            installed_at: string;
            installed_by: string;
            language: string;
            name: string;
            size: number;
            version: string;
        };
        /**
         * PluginsInProject
         * @description A page of plugins.
         */
        PluginsInProject: {
            items: components["schemas"]["PluginInProject"][];
            next_cursor: string | null;
        };
        /**
         * Problem
         * @description Why a request was not carried out (RFC 9457). Args: code: Stable word; for refusals one of `RefusalCode`. node, rule, instead: Of a refusal: what stands in the way, by which rule, and what would be possible. last: Of a refusal: what was done to the run last, by whom and when, if that is why. instance: Of what nobody expected: under which id the log of the server tells of it.
         */
        Problem: {
            code: string;
            detail: string;
            /** @default [] */
            errors?: components["schemas"]["ProblemItem"][];
            /** @default null */
            instance?: string | null;
            /** @default [] */
            instead?: string[];
            /** @default null */
            last?: components["schemas"]["LastAct"] | null;
            /** @default null */
            node?: string | null;
            /** @default null */
            rule?: string | null;
            status: number;
            title: string;
            type: string;
        };
        /**
         * ProblemItem
         * @description One thing that is wrong, and where. Args: pointer: JSON pointer into the body. parameter: Name of a query parameter. line, column: In the text of the body, from 1.
         */
        ProblemItem: {
            /** @default null */
            column?: number | null;
            detail: string;
            /** @default null */
            line?: number | null;
            /** @default null */
            parameter?: string | null;
            /** @default null */
            pointer?: string | null;
        };
        /**
         * ProjectBody
         * @description A new project; `id` follows from the name when it is absent.
         */
        ProjectBody: {
            /** @default  */
            description?: string;
            /** @default  */
            id?: string;
            name: string;
        };
        /**
         * ProjectDetail
         * @description A project, and how far the caller may go in it. Args: permissions: What the caller may do here, sorted: "start", "retry", "skip" …; names as in the table of roles. A page disables what is not among them.
         */
        ProjectDetail: {
            created_at: string;
            created_by: string;
            description: string;
            disabled: boolean;
            id: string;
            name: string;
            number: number;
            permissions: string[];
        };
        /**
         * ProjectList
         * @description A page of projects.
         */
        ProjectList: {
            items: components["schemas"]["ProjectView"][];
            next_cursor: string | null;
        };
        /**
         * ProjectView
         * @description A project.
         */
        ProjectView: {
            created_at: string;
            created_by: string;
            description: string;
            disabled: boolean;
            id: string;
            name: string;
            number: number;
        };
        /**
         * ProjectsBody
         * @description Who may use a plugin: ids of projects; null = all.
         */
        ProjectsBody: {
            projects: string[] | null;
        };
        /**
         * RecentRunView
         * @description A run as a bar: its height is `run_seconds`, its colour `status`, its dot `recovered`.
         */
        RecentRunView: {
            actor: string;
            branch: string;
            cause: string | null;
            ended_at: string | null;
            id: string;
            message: string;
            number: number;
            queued_at: string;
            recovered: boolean;
            run_seconds: number | null;
            start_kind: string;
            started_at: string | null;
            status: string;
        };
        /**
         * Recovered
         * @description What a recovery did.
         */
        Recovered: {
            plan: components["schemas"]["PlanView"];
            run: components["schemas"]["RunSummary"];
        };
        /**
         * RecoveredView
         * @description How a run that has succeeded in the end was repaired. Args: by, at: Who did the last retry or skip, and when. seconds_saved: What the work took that was kept instead of being run again. seconds_to_recover: From the first bad end to the good one.
         */
        RecoveredView: {
            at: string;
            by: string;
            seconds_saved: number;
            seconds_to_recover: number | null;
        };
        /**
         * RecoveryBody
         * @description What to run again, or to skip. Args: target: Id of a stage, job or step, or a step's own ref; absent = the whole run. only_failed: With a stage: leave its succeeded jobs as they are. skip: Skip the step, or all failed steps of the stage, instead. reason: Why; a skip needs one. changes: What is to be otherwise; not with a skip.
         */
        RecoveryBody: {
            /**
             * @default {
             *       "parameters": {},
             *       "steps": {}
             *     }
             */
            changes?: components["schemas"]["ChangesBody"];
            /** @default false */
            only_failed?: boolean;
            /** @default  */
            reason?: string;
            /** @default false */
            skip?: boolean;
            /** @default  */
            target?: string;
        };
        /**
         * RemarkBody
         * @description A remark on a run.
         */
        RemarkBody: {
            remark: string;
        };
        /**
         * RemoteTokenView
         * @description The token of a remote trigger, and where to send it.
         */
        RemoteTokenView: {
            token: string;
            url: string;
        };
        /**
         * RepairView
         * @description A step that was retried or skipped while the run went on. `what`: retry or skip.
         */
        RepairView: {
            actor: string;
            at: string;
            changes: components["schemas"]["ChangedRef"][];
            reason: string;
            seconds_saved: number;
            target: string;
            what: string;
        };
        /**
         * ReportList
         * @description A page of reports.
         */
        ReportList: {
            items: components["schemas"]["ReportView"][];
            next_cursor: string | null;
        };
        /**
         * ReportView
         * @description A report that a step left. Args: index: Path of its first page below `pages`; null for one that is elsewhere. pages: Path of the pages on this server; null for one that is elsewhere. url: Of a report that is elsewhere.
         */
        ReportView: {
            attempt: number;
            created_at: string;
            files: number;
            index: string | null;
            name: string;
            pages: string | null;
            step: string;
            url: string | null;
        };
        /**
         * ResumeBody
         * @description Let a paused step run, or cancel it.
         */
        ResumeBody: {
            /** @default true */
            go_ahead?: boolean;
        };
        /**
         * RollbackBody
         * @description A rollback. `to`: id of the deployment to restore; absent = the one before the live one.
         */
        RollbackBody: {
            /** @default  */
            reason?: string;
            /** @default null */
            to?: string | null;
        };
        /**
         * RollbackPlanView
         * @description What a rollback would do. `etag` goes into `If-Match`. Args: run_attempt: The attempt of the run that it would be. action: rollback, or abort of a grey release. restores: The deployment that would be live again; for an abort the grey one that goes. cuts: Stages that are under way and would be cancelled. version: Of the pipeline, when it goes by a newer one than the run; else 0.
         */
        RollbackPlanView: {
            action: string;
            cuts: components["schemas"]["StagePlace"][];
            environment: components["schemas"]["EnvironmentView"];
            etag: string;
            restores: components["schemas"]["DeploymentView"];
            revision: number;
            run: string;
            run_attempt: number;
            stage: components["schemas"]["StagePlace"];
            version: number;
        };
        /**
         * RuleBody
         * @description A rule: all conditions must hold, unless one of the gatekeepers lets a run pass. Args: plugin: Code of the plugins around which it is judged; "" = only where stages name it. before: Before them, else after them.
         */
        RuleBody: {
            /** @default false */
            before?: boolean;
            conditions: components["schemas"]["ConditionBody"][];
            /** @default  */
            description?: string;
            /** @default true */
            enabled?: boolean;
            /** @default [] */
            gatekeepers?: string[];
            name: string;
            /** @default  */
            plugin?: string;
        };
        /**
         * RuleList
         * @description A page of rules.
         */
        RuleList: {
            items: components["schemas"]["RuleView"][];
            next_cursor: string | null;
        };
        /**
         * RuleView
         * @description A quality rule; stages name it by its `id`.
         */
        RuleView: {
            before: boolean;
            conditions: components["schemas"]["ConditionView"][];
            description: string;
            enabled: boolean;
            gatekeepers: string[];
            id: string;
            name: string;
            plugin: string;
            updated_at: string;
            updated_by: string;
        };
        /**
         * RunItem
         * @description A run as lists show it. Args: attempts: How often it was gone over: 1 and each retry of the ended run. branch, commit: Of the event that started it; "" of others. recovered: It succeeded after something of it had failed. queue_seconds: From its start to its first work; null while it waits. run_seconds: From its first work to its end; null while it goes on. stages: In the order of the definition; none when that version is gone.
         */
        RunItem: {
            actor: string;
            attempt: number;
            attempts: number;
            branch: string;
            cause: string | null;
            commit: string;
            ended_at: string | null;
            id: string;
            message: string;
            number: number;
            pipeline: string;
            pipeline_name: string;
            project: string;
            queue_seconds: number | null;
            queued_at: string;
            recovered: boolean;
            recovery: components["schemas"]["RecoveredView"] | null;
            remark: string;
            revision: number;
            run_seconds: number | null;
            stages: components["schemas"]["StageMini"][];
            start_kind: string;
            started_at: string | null;
            status: string;
            version: number;
        };
        /**
         * RunList
         * @description A page of runs. `next_cursor`: null at the end.
         */
        RunList: {
            items: components["schemas"]["RunItem"][];
            next_cursor: string | null;
        };
        /**
         * RunState
         * @description A run with all its nodes. Args: verdict: The result in words; "" while it goes on. branch, commit: Of the event that started it; "" of others. recovery: How it was repaired, if it succeeded only then; of its newest attempt alone.
         */
        RunState: {
            actor: string;
            attempt: number;
            attempts: components["schemas"]["AttemptView"][];
            branch: string;
            caller: components["schemas"]["CallerView"] | null;
            cause: string | null;
            commit: string;
            ended_at: string | null;
            gates: components["schemas"]["GateView"][];
            id: string;
            message: string;
            number: number;
            parameters: components["schemas"]["ParameterView"][];
            pipeline: string;
            pipeline_name: string;
            project: string;
            queued_at: string;
            recovery: components["schemas"]["RecoveredView"] | null;
            remark: string;
            revision: number;
            stages: components["schemas"]["StageView"][];
            start_kind: string;
            started_at: string | null;
            status: string;
            verdict: string;
            version: number;
            waits: components["schemas"]["WaitView"][];
            waivers: components["schemas"]["Waiver"][];
        };
        /**
         * RunSummary
         * @description A run as lists show it.
         */
        RunSummary: {
            actor: string;
            attempt: number;
            cause: string | null;
            ended_at: string | null;
            id: string;
            message: string;
            number: number;
            pipeline: string;
            pipeline_name: string;
            project: string;
            queued_at: string;
            remark: string;
            revision: number;
            start_kind: string;
            started_at: string | null;
            status: string;
            version: number;
        };
        /**
         * RunnerList
         * @description The machines that run jobs. `queued`: jobs that wait for a slot.
         */
        RunnerList: {
            items: components["schemas"]["RunnerView"][];
            /** @default null */
            next_cursor?: string | null;
            queued: number;
        };
        /**
         * RunnerView
         * @description A machine that runs jobs. Args: slots, busy: How many jobs at once, and how many now. state: online or offline.
         */
        RunnerView: {
            address: string;
            busy: number;
            host: string;
            id: string;
            labels: string[];
            name: string;
            slots: number;
            state: string;
            system: string;
            system_detail: string;
        };
        /**
         * SecretBody
         * @description The value of a secret; texts name it as `${{ settings.NAME.value }}`.
         */
        SecretBody: {
            /** @default  */
            remark?: string;
            value: string;
        };
        /**
         * SecretList
         * @description A page of secrets.
         */
        SecretList: {
            items: components["schemas"]["SecretView"][];
            next_cursor: string | null;
        };
        /**
         * SecretView
         * @description A secret, without its values. `fields`: their names; `kind`: VALUE, or a credential's.
         */
        SecretView: {
            fields: string[];
            kind: string;
            name: string;
            remark: string;
            updated_at: string;
            updated_by: string;
        };
        /**
         * ServiceCell
         * @description A service in one environment. `column`: name of the environment.
         */
        ServiceCell: {
            column: string;
            environment: components["schemas"]["EnvironmentView"];
        };
        /**
         * ServiceMatrix
         * @description What runs where. `columns`: names of environments; `complete`: false if there are more.
         */
        ServiceMatrix: {
            columns: string[];
            complete: boolean;
            items: components["schemas"]["ServiceRow"][];
        };
        /**
         * ServiceRow
         * @description A service (an application that is deployed) with the environments that it is in.
         */
        ServiceRow: {
            cells: components["schemas"]["ServiceCell"][];
            service: string;
        };
        /**
         * SessionBody
         * @description Signing in to the page: user and password, or a token.
         */
        SessionBody: {
            /** @default  */
            password?: string;
            /** @default  */
            token?: string;
            /** @default  */
            user?: string;
        };
        /**
         * SessionView
         * @description Who calls. Args: user: None: nobody, no credential was sent. way: "session" (signed in to the page), "token", "login" or "dev" (nobody is asked). is_dev: The server is one for development. version: Of the server; "" for nobody.
         */
        SessionView: {
            is_admin: boolean;
            is_dev: boolean;
            language: string;
            user: string | null;
            version: string;
            way: string;
        };
        /**
         * SettingBody
         * @description The value of a private setting.
         */
        SettingBody: {
            value: string;
        };
        /**
         * SinceView
         * @description Since when a node fails. Args: first: The first run of the unbroken row of failures. last_green: The newest run before these in which it succeeded. runs: How many runs failed in it, this one counted. is_known: False: it may be longer than was looked back.
         */
        SinceView: {
            first: components["schemas"]["PastRun"];
            is_known: boolean;
            last_green: components["schemas"]["PastRun"] | null;
            runs: number;
        };
        /**
         * StageMini
         * @description A stage of a run as lists show it.
         */
        StageMini: {
            cause: string | null;
            id: string;
            is_finally: boolean;
            name: string;
            status: string;
        };
        /**
         * StagePlace
         * @description A stage of a definition. `index`: its place, from 0.
         */
        StagePlace: {
            id: string;
            index: number;
            name: string;
        };
        /**
         * StageView
         * @description A stage of a run.
         */
        StageView: {
            attempt: number;
            cause: string | null;
            ended_at: string | null;
            id: string;
            is_finally: boolean;
            jobs: components["schemas"]["JobView"][];
            name: string;
            ref: string;
            started_at: string | null;
            status: string;
        };
        /**
         * StartBody
         * @description A new run. `values`: of its parameters; numbers and the like become texts.
         */
        StartBody: {
            /** @default  */
            message?: string;
            /** @default {} */
            values?: Record<string, never>;
        };
        /**
         * StartField
         * @description A parameter that a start may be given. Args: kind: STRING, TEXTAREA, BOOLEAN, ENUM, MULTIPLE, PASSWORD … of BK-CI models. default: "" for a sensitive one, whether it has one or not. options: The only values it may have; empty = any. Of MULTIPLE any of them, with commas. read_only: Always the default. shown_when: Parameters and the values they must have; else it may stay empty.
         */
        StartField: {
            default: string;
            desc: string;
            has_default: boolean;
            kind: string;
            name: string;
            options: string[];
            read_only: boolean;
            required: boolean;
            sensitive: boolean;
            shown_when: {
                [key: string]: string;
            };
        };
        /**
         * StartForm
         * @description What a start may be given. `manual_start`: people may start it.
         */
        StartForm: {
            locked: boolean;
            manual_start: boolean;
            parameters: components["schemas"]["StartField"][];
            version: number;
        };
        /**
         * StepAttempt
         * @description One try of a step.
         */
        StepAttempt: {
            cause: string | null;
            ended_at: string | null;
            number: number;
            runner: string | null;
            started_at: string | null;
            status: string;
        };
        /**
         * StepAttempts
         * @description A step with all its tries.
         */
        StepAttempts: {
            attempt: number;
            attempts: components["schemas"]["StepAttempt"][];
            cause: string | null;
            id: string;
            name: string;
            status: string;
        };
        /**
         * StepChangesBody
         * @description What a step gets instead of what it has; null sets back to what is defined. Args: inputs: By name; of a plugin its own. A text may be the JSON of another type. env: Variables of its process, by name. timeout_s: Seconds for one attempt, up to seven days.
         */
        StepChangesBody: {
            /** @default {} */
            env?: {
                [key: string]: string | null;
            };
            /** @default {} */
            inputs?: Record<string, never>;
            timeout_s?: number | null;
        };
        /**
         * StepDiff
         * @description A step in two attempts. `inputs`: names of inputs that were changed in between.
         */
        StepDiff: {
            after: components["schemas"]["StepSide"];
            before: components["schemas"]["StepSide"];
            changed: boolean;
            id: string;
            inputs: string[];
            job: string;
            name: string;
            stage: string;
        };
        /**
         * StepList
         * @description The steps of a run, in the order of the definition.
         */
        StepList: {
            items: components["schemas"]["StepAttempts"][];
        };
        /**
         * StepRef
         * @description A step by id and name.
         */
        StepRef: {
            id: string;
            name: string;
        };
        /**
         * StepSide
         * @description A step as one attempt of the run left it. Args: part: ran, skipped, kept (from an earlier attempt of the run) or never. attempt: Of the step; 0 = it never ran.
         */
        StepSide: {
            attempt: number;
            cause: string | null;
            exit_code: number | null;
            part: string;
            pin: string;
            runner: string | null;
            seconds: number | null;
            status: string;
        };
        /**
         * StepView
         * @description A step of a run. Args: ref: Its author's own id. run_attempt: The attempt of the run that this is from; an earlier one: it was kept. called: Id of the run of another pipeline that it has started. progress: How far it says it is: a number from 0 to 1, or JSON; "" = it did not say.
         */
        StepView: {
            attempt: number;
            called: string | null;
            cause: string | null;
            ended_at: string | null;
            exit_code: number | null;
            id: string;
            kind: string;
            message: string;
            name: string;
            progress: string;
            reason: string;
            ref: string;
            run_attempt: number;
            started_at: string | null;
            status: string;
        };
        /**
         * SwitchBody
         * @description Whether a project uses a plugin.
         */
        SwitchBody: {
            enabled: boolean;
        };
        /**
         * Taken
         * @description What became of a delivery: the first run that it started, and all of them.
         */
        Taken: {
            delivery: number;
            reason: string | null;
            run: string | null;
            runs: string[];
        };
        /**
         * TestList
         * @description A page of tests. Args: counts: Of all tests, by state; `total` and `flaky` besides. reports_read, reports_left_out: Files; those are left out that are too many or too large.
         */
        TestList: {
            counts: {
                [key: string]: number;
            };
            items: components["schemas"]["TestView"][];
            next_cursor: string | null;
            reports_left_out: number;
            reports_read: number;
        };
        /**
         * TestView
         * @description A test. Args: state: passed, failed, error or skipped. flaky: It passed after it had failed, although nothing of its job had been changed. seconds: null: its report does not say. report: Path of the file that says so.
         */
        TestView: {
            attempt: number;
            flaky: boolean;
            message: string;
            name: string;
            report: string;
            seconds: number | null;
            state: string;
            step: string;
            step_name: string;
            suite: string;
        };
        /**
         * TextDiff
         * @description How two texts differ. Args: lines: In the unified format, without its two lines of names; empty if they are equal. null: the texts are too long to be compared. added, removed: How many lines.
         */
        TextDiff: {
            added: number;
            lines: string[] | null;
            removed: number;
            same: boolean;
        };
        /**
         * TimelineView
         * @description The times of a run: of nodes that were tried several times or that `green` has as well. `is_whole`: false: there are more than 5,000 of them, of which the first are given.
         */
        TimelineView: {
            green: components["schemas"]["GreenRun"] | null;
            is_whole: boolean;
            nodes: components["schemas"]["NodeTimesView"][];
            run: string;
        };
        /**
         * TokenBody
         * @description A new token. `ttl_s`: seconds until it is over; absent = never.
         */
        TokenBody: {
            name: string;
            /** @default [] */
            projects?: string[];
            /** @default  */
            role?: string;
            /** @default null */
            ttl_s?: number | null;
            /** @default  */
            user?: string;
        };
        /**
         * TokenList
         * @description A page of tokens.
         */
        TokenList: {
            items: components["schemas"]["TokenView"][];
            next_cursor: string | null;
        };
        /**
         * TokenView
         * @description A token, without its secret.
         */
        TokenView: {
            created_at: string;
            expires_at: string | null;
            id: string;
            name: string;
            projects: string[];
            role: string | null;
            user: string;
        };
        /**
         * TriggerList
         * @description The triggers of a pipeline, in order.
         */
        TriggerList: {
            items: components["schemas"]["TriggerView"][];
            next_cursor: string | null;
        };
        /**
         * TriggerView
         * @description A trigger. Args: kind: manual, timer, remote, code or other. waits_for: Times of a timer, or the event of a code trigger. next_at: Of timers: when it fires next; null = never. last: Of timers: what came of it last.
         */
        TriggerView: {
            element: string;
            enabled: boolean;
            id: string;
            kind: string;
            last: string;
            last_at: string | null;
            name: string;
            next_at: string | null;
            waits_for: string[];
        };
        /**
         * TryView
         * @description One attempt of a job or step. Args: run_attempt: The attempt of the run in which it was made. queued_at: Of a job: since when it waited for a runner.
         */
        TryView: {
            ended_at: string | null;
            number: number;
            queued_at: string | null;
            run_attempt: number;
            started_at: string;
            status: string;
        };
        /**
         * UserBody
         * @description A new user; without a password only tokens let them in.
         */
        UserBody: {
            name: string;
            /** @default  */
            password?: string;
        };
        /**
         * UserChange
         * @description What to change of a user; absent members stay as they are.
         */
        UserChange: {
            /** @default null */
            disabled?: boolean | null;
            /** @default null */
            email?: string | null;
            /** @default null */
            language?: string | null;
            /** @default null */
            password?: string | null;
        };
        /**
         * UserList
         * @description A page of users.
         */
        UserList: {
            items: components["schemas"]["UserView"][];
            next_cursor: string | null;
        };
        /**
         * UserView
         * @description A user.
         */
        UserView: {
            created_at: string;
            disabled: boolean;
            email: string;
            is_admin: boolean;
            language: string;
            name: string;
        };
        /**
         * ValueDiff
         * @description A variable that differs. `how`: added, removed, changed; `writer`: start or a step's id.
         */
        ValueDiff: {
            how: string;
            name: string;
            writer: string;
        };
        /**
         * VersionDiff
         * @description How two versions of a pipeline differ, written as files. Args: added, removed: The steps that only one of them has, by their author's own ids, or by those given. changed: The steps that mean something else.
         */
        VersionDiff: {
            added: string[];
            after: components["schemas"]["VersionItem"];
            before: components["schemas"]["VersionItem"];
            changed: string[];
            removed: string[];
            text: components["schemas"]["TextDiff"];
        };
        /**
         * VersionItem
         * @description A version of a pipeline. `made_from`: the version that it began as.
         */
        VersionItem: {
            created_at: string;
            created_by: string;
            dialect: string;
            is_newest: boolean;
            made_from: number | null;
            note: string;
            version: number;
        };
        /**
         * VersionList
         * @description The versions of a pipeline that are kept, newest first.
         */
        VersionList: {
            items: components["schemas"]["VersionItem"][];
            /** @default null */
            next_cursor?: string | null;
        };
        /**
         * VoteView
         * @description What somebody has answered.
         */
        VoteView: {
            approve: boolean;
            at: string;
            comment: string;
            user: string;
        };
        /**
         * WaitView
         * @description Something that the run or a job of it waits for, and no person gives. Args: node: A job; "" = the run. kind: mutex, limit (of runs in one job), group (concurrency group) or queue (other runs of the pipeline). name: Of the mutex or group. ahead: How many others are in front of it. holders: Who has it now; at most 20 are named. due_at: When the waiting ends in vain; null if that is not known.
         */
        WaitView: {
            ahead: number;
            due_at: string | null;
            holders: components["schemas"]["HolderView"][];
            kind: string;
            name: string;
            node: string;
        };
        /**
         * Waiver
         * @description A step that a person skipped.
         */
        Waiver: {
            by: string;
            reason: string;
            step: string;
        };
        /**
         * WhyNot
         * @description Why it is not possible: by which rule, what stands in the way, what would be possible.
         */
        WhyNot: {
            code: string;
            instead: string[];
            message: string;
            node: string;
            rule: string;
        };
    };
    responses: {
        /** @description What is wrong (RFC 9457) */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    show_about: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AboutView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_access_keys: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessKeyList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    create_access_key: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccessKeyBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewAccessKey"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_access_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                access: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_approvals: {
        parameters: {
            query?: {
                /** @description Only what the caller may answer now. */
                mine?: boolean;
                /** @description Only of this project. */
                project?: string;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovalList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    create_app: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AppBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApp"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_all_audit: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    advance_clock: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClockBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClockView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                link: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    stream_events: {
        parameters: {
            query?: {
                /** @description Whose events; needed. */
                project?: string;
                /** @description Only of this run (b-…). */
                run?: string;
                /** @description Only of this pipeline (p-…). */
                pipeline?: string;
                /** @description Like Last-Event-ID; 0 = from the first event on. */
                after?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    take_delivery: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                hook: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Taken"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    describe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_plugins: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    install_plugin: {
        parameters: {
            query?: {
                /** @description Its version, three numbers; absent: as task.json says */
                version?: string;
            };
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstalledPlugin"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    show_plugin: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginDetails"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    show_policy: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginPolicyView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    release_plugin: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                code: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectsBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginPolicyView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    put_setting: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                code: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingBody"];
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_setting: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                code: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    remove_plugin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                code: string;
                version: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_projects: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    create_project: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_project: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectDetail"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_audit: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_channels: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    put_channel: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_channel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    test_channel: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelTest"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    complete_text: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CompletionBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CompletionList"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    diff_deployments: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                a: string;
                b: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentDiff"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_deployment: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                deployment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentDetail"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_environments: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnvironmentList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_environment: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnvironmentView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_deployments: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeploymentList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    roll_back_environment: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
                /** @description Answer 412, and do nothing, if what it is about no longer has this `ETag`. */
                "If-Match"?: string;
            };
            path: {
                project: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    plan_environment: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                environment: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RollbackPlanView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_hooks: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HookList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    add_hook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HookBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewHook"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_hook: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                hook: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HookView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_hook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                hook: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                hook: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_delivery: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                hook: string;
                delivery: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryDetail"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    replay_delivery: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                hook: string;
                delivery: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Taken"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    show_insights: {
        parameters: {
            query?: {
                /** @description Only of this pipeline (p-…). */
                pipeline?: string;
                /** @description How far back, 1 to 366; 30 if absent. */
                days?: number;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InsightsView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    lint: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DocumentBody"];
                "application/x-yaml": components["schemas"]["DocumentBody"];
                "application/yaml": components["schemas"]["DocumentBody"];
                "text/yaml": components["schemas"]["DocumentBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LintReport"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_members: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    set_member: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    drop_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_packages: {
        parameters: {
            query?: {
                /** @description Only those of this organisation. */
                namespace?: string;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackageList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_files: {
        parameters: {
            query?: {
                /** @description Which version; it must be given. */
                version?: string;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                namespace: string;
                repository: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackageFileList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_versions: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                namespace: string;
                repository: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackageVersionList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    download_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                namespace: string;
                repository: string;
                name: string;
                version: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    upload_file: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                namespace: string;
                repository: string;
                name: string;
                version: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackageFileView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_pipelines: {
        parameters: {
            query?: {
                /** @description Only the one of exactly that name. */
                name?: string;
                /** @description Only those with this text in the name. */
                search?: string;
                /** @description Only those whose newest run has one of these, separated by commas. */
                status?: string;
                /** @description Only those with one of these labels, as LABEL or GROUP/LABEL. */
                label?: string;
                /** @description Only those that this user made. */
                owner?: string;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    create_pipeline: {
        parameters: {
            query?: {
                /** @description Name of a pipeline whose YAML file says none. */
                name?: string;
            };
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DocumentBody"];
                "application/x-yaml": components["schemas"]["DocumentBody"];
                "application/yaml": components["schemas"]["DocumentBody"];
                "text/yaml": components["schemas"]["DocumentBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineSaved"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_pipeline: {
        parameters: {
            query?: {
                /** @description `yaml`: as a pipeline file of v3.0, as `Accept: application/yaml` does. */
                format?: "json" | "yaml";
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineView"];
                    "application/yaml": unknown;
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    edit_pipeline: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
                /** @description Answer 412, and do nothing, if what it is about no longer has this `ETag`. */
                "If-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DocumentBody"];
                "application/x-yaml": components["schemas"]["DocumentBody"];
                "application/yaml": components["schemas"]["DocumentBody"];
                "text/yaml": components["schemas"]["DocumentBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineSaved"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_pipeline: {
        parameters: {
            query?: never;
            header?: {
                /** @description Answer 412, and do nothing, if what it is about no longer has this `ETag`. */
                "If-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_definition: {
        parameters: {
            query?: {
                /** @description Which version; the newest if absent. */
                version?: number;
                /** @description `yaml`: as a pipeline file of v3.0, as `Accept: application/yaml` does. */
                format?: "json" | "yaml";
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DocumentBody"];
                    "application/yaml": unknown;
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_graph: {
        parameters: {
            query?: {
                /** @description Which version; the newest if absent. */
                version?: number;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Graph"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_pipeline_hooks: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HookList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    add_pipeline_hook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HookBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewHook"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_remote_token: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemoteTokenView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    make_remote_token: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemoteTokenView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_remote_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    start_run: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    show_start_form: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartForm"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_triggers: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriggerList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_pipeline_versions: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    diff_versions: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                pipeline: string;
                a: string;
                b: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionDiff"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_in_project: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginsInProject"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    switch_plugin: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                code: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SwitchBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PluginInProject"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_checks: {
        parameters: {
            query?: {
                /** @description Only of this pipeline, by id. */
                pipeline?: string;
                /** @description Only of this run. */
                run?: string;
                /** @description Only of this rule, by id. */
                rule?: string;
                /** @description Only with these results, separated by commas: passed, failed, waiting, let-through, refused. */
                result?: string;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_rules: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_rule: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                rule: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    put_rule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                rule: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_rule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                rule: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_runs: {
        parameters: {
            query?: {
                /** @description Only these, separated by commas. */
                status?: string;
                /** @description Only of this pipeline (p-…). */
                pipeline?: string;
                /** @description Only those that one of these users started. */
                actor?: string;
                /** @description Only those started so: manual, service, timer, webhook … */
                trigger?: string;
                /** @description Only those that an event on one of these branches started. */
                branch?: string;
                /** @description Only those asked for at or after this instant (RFC 3339). */
                since?: string;
                /** @description Only those asked for at or before this instant (RFC 3339). */
                until?: string;
                /** @description Only those with this text in the message. */
                message?: string;
                /** @description Only those that were recovered, or were not. */
                recovered?: boolean;
                /** @description Only those with this number. */
                number?: number;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_run: {
        parameters: {
            query?: {
                /** @description As this attempt left it; the newest if absent. */
                attempt?: number;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunState"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_artifacts: {
        parameters: {
            query?: {
                /** @description Only what this attempt of the run kept; all if absent. */
                attempt?: number;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    download_artifact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                run: string;
                step: string;
                attempt: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_attempts: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttemptList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    diff_attempts: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
                a: string;
                b: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttemptDiff"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    show_failure: {
        parameters: {
            query?: {
                /** @description How many last lines of the log, at most 1000; 30 if absent. */
                lines?: number;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FailureView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    download_logs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/zip": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    search_log: {
        parameters: {
            query: {
                /** @description What to find, without regard to colours; needed. */
                q: string;
                /** @description `q` is a regular expression (RE2), within one line. */
                regexp?: boolean;
                /** @description Upper and lower case are different. */
                case?: boolean;
                /** @description Only in the logs of this step. */
                step?: string;
                /** @description Only in this attempt of a step. */
                attempt?: number;
                /** @description Hits on a page, 1 to 1000; 100 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogHits"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_metrics: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricsList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    apply: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
                /** @description Answer 412, and do nothing, if what it is about no longer has this `ETag`. */
                "If-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecoveryBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recovered"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_modes: {
        parameters: {
            query?: {
                /** @description The step that it is about; the first that failed if absent. */
                step?: string;
                /** @description Also what can be changed for a retry. */
                changes?: boolean;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModeList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    plan: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RecoveryBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    set_remark: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RemarkBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_reports: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    show_page: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                run: string;
                step: string;
                attempt: string;
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    answer_stage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
                stage: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnswerBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    roll_back_stage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
                /** @description Answer 412, and do nothing, if what it is about no longer has this `ETag`. */
                "If-Match"?: string;
            };
            path: {
                project: string;
                run: string;
                stage: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    plan_stage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
                stage: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RollbackPlanView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_steps: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StepList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    answer_step: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
                step: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnswerBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_log: {
        parameters: {
            query?: {
                /** @description Which attempt of the step; the newest if absent. */
                attempt?: number;
                /** @description Only so many last lines, at most 100000; in JSON together with `count`. */
                tail?: number;
                /** @description Answer in JSON with the lines from this number on, counted from 1. */
                from?: number;
                /** @description Answer in JSON with so many lines, at most 10000; 1000 if absent. */
                count?: number;
                /** @description As a file to be kept. */
                download?: boolean;
                /** @description Stream lines as they are written; the id of an event is the offset of the line's end. Ends with the event `end` when the attempt is over. */
                follow?: boolean;
                /** @description Follow from this offset on, like Last-Event-ID. */
                after?: number;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
                step: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogPage"];
                    "text/plain": string;
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    diff_logs: {
        parameters: {
            query: {
                /** @description An attempt of the step; needed. */
                before: number;
                /** @description Another one; needed. */
                after: number;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
                step: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogDiff"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    resume_step: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
                step: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResumeBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    stop_run: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    list_tests: {
        parameters: {
            query?: {
                /** @description Only of these states, separated by commas: passed, failed, error, skipped, flaky; failed, error and flaky if absent. At most 50 reports are read. */
                state?: string;
                /** @description Only those that have this text in their name. */
                name?: string;
                /** @description As this attempt of the run left it; the newest if absent. */
                attempt?: number;
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    show_timeline: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TimelineView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_secrets: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_secret: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    put_secret: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                project: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecretBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_secret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    show_services: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceMatrix"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_runners: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunnerList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    find_run: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path: {
                run: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunSummary"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    show_schema: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                schema: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/schema+json": unknown;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    show_session: {
        parameters: {
            query?: {
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionView"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    open_session: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionBody"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    close_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_tokens: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    create_token: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    revoke_token: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    list_users: {
        parameters: {
            query?: {
                /** @description Items on a page, 1 to 200; 50 if absent. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only these members, separated by commas; of a list those of each item. */
                fields?: string;
            };
            header?: {
                /** @description Answer 304 if the answer still has this `ETag`. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    /** @description Changes with the answer */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
            /** @description Nothing has changed */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    create_user: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same call gets the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserBody"];
            };
        };
        responses: {
            /** @description Done */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    change_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserView"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
}
