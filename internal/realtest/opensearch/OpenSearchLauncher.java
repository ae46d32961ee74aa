import org.codelibs.opensearch.runner.OpenSearchRunner;

/** Runs one OpenSearch node on the loopback interface until standard input ends or SIGTERM arrives. */
public final class OpenSearchLauncher {
    public static void main(String[] args) throws Exception {
        String port = args[0], dir = args[1], cluster = args[2];
        OpenSearchRunner runner = new OpenSearchRunner();
        OpenSearchRunner.Configs configs =
            OpenSearchRunner.newConfigs().clusterName(cluster).numOfNode(1).basePath(dir);
        if (System.getProperty("plugins") != null) {
            configs.pluginTypes(System.getProperty("plugins"));
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(runner)));
        runner.onBuild((number, settings) -> {
            settings.put("http.port", port);
            settings.put("network.host", "127.0.0.1");
            settings.put("http.compression", true);
            settings.put("discovery.type", "single-node");
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
            // Without this the runner has no ingest node, and ?pipeline= is refused.
            settings.putList("node.roles", "cluster_manager", "data", "ingest");
            // The rest of the arguments: NAME=VALUE.
            for (int i = 3; i < args.length; i++) {
                int equals = args[i].indexOf('=');
                settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
            }
        }).build(configs);

        System.in.transferTo(java.io.OutputStream.nullOutputStream());
        System.exit(0);
    }

    private static void close(OpenSearchRunner runner) {
        try {
            runner.close();
        } catch (Exception e) {
            System.err.println("close node: " + e);
        }
    }
}
