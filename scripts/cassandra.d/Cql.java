import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.CodecRegistry;
import com.datastax.driver.core.ColumnDefinitions;
import com.datastax.driver.core.KeyspaceMetadata;
import com.datastax.driver.core.PreparedStatement;
import com.datastax.driver.core.ProtocolVersion;
import com.datastax.driver.core.RemoteEndpointAwareJdkSSLOptions;
import com.datastax.driver.core.ResultSet;
import com.datastax.driver.core.ResultSetFuture;
import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import com.datastax.driver.core.SocketOptions;
import com.datastax.driver.core.TableMetadata;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Runs CQL and counts rows for the scripts, with the driver that comes among Cassandra's jars: no cqlsh, no Python.
 *
 * <p>Cql ADDRESS run yes|no (STATEMENTS | -f FILE): rows go to stdout as CSV, with a line of names or without.
 * <p>Cql ADDRESS count KEYSPACE.TABLE: counts by token ranges, so that no single request runs into a timeout.
 *
 * <p>Environment: CQL_USER and CQL_PASSWORD; CQL_TLS_DIR with ca.pem, client.pem and client.key.
 */
public final class Cql {
    private static final int RANGES = 128;
    private static final int IN_FLIGHT = 4;

    public static void main(String[] arguments) {
        try (Cluster cluster = connect(arguments[0]); Session session = cluster.connect()) {
            if (arguments[1].equals("count")) {
                System.out.println(count(session, arguments[2]));
            } else {
                boolean names = arguments[2].equals("yes");
                String text = arguments[3].equals("-f") ? Files.readString(Path.of(arguments[4])) : arguments[3];
                StringBuilder out = new StringBuilder();
                for (String statement : split(text)) {
                    out.setLength(0);
                    print(session.execute(statement), names, out);
                    System.out.print(out);
                }
            }
            System.out.flush();
        } catch (Exception e) {
            System.err.println("cql: " + e.getMessage());
            System.exit(1);
        }
        // The driver's timer threads would keep the process for some seconds.
        System.exit(0);
    }

    private static Cluster connect(String address) throws Exception {
        Cluster.Builder builder = Cluster.builder()
                .addContactPoint(address)
                .withPort(9042)
                .withProtocolVersion(ProtocolVersion.V4)
                .withoutJMXReporting()
                .withoutMetrics()
                .withSocketOptions(new SocketOptions().setConnectTimeoutMillis(10_000).setReadTimeoutMillis(60_000));
        String user = System.getenv("CQL_USER");
        if (user != null) {
            builder.withCredentials(user, System.getenv("CQL_PASSWORD"));
        }
        String tls = System.getenv("CQL_TLS_DIR");
        if (tls != null) {
            builder.withSSL(RemoteEndpointAwareJdkSSLOptions.builder().withSSLContext(context(Path.of(tls))).build());
        }
        return builder.build();
    }

    private static SSLContext context(Path dir) throws Exception {
        char[] none = new char[0];
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, none);
        trusted.setCertificateEntry("ca", certificate(dir.resolve("ca.pem")));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        String pem = Files.readString(dir.resolve("client.key")).replaceAll("-----[A-Z ]+-----|\\s", "");
        PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, none);
        own.setKeyEntry("client", key, none, new Certificate[] {certificate(dir.resolve("client.pem"))});
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, none);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static Certificate certificate(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    /** Splits at semicolons outside of quotes and comments; comments are left out. */
    private static List<String> split(String text) {
        List<String> statements = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        for (int i = 0; i < text.length(); ) {
            String end = null;
            boolean comment = true;
            if (text.startsWith("--", i) || text.startsWith("//", i)) {
                end = "\n";
            } else if (text.startsWith("/*", i)) {
                end = "*/";
            } else {
                comment = false;
                if (text.startsWith("$$", i)) {
                    end = "$$";
                } else if (text.charAt(i) == '\'' || text.charAt(i) == '"') {
                    end = text.substring(i, i + 1);
                }
            }
            if (end != null) {
                // A doubled quote inside quotes is a quoted text that follows at once: no case of its own.
                int start = comment && end.equals("\n") ? i : i + end.length();
                int stop = text.indexOf(end, start);
                int next = stop < 0 ? text.length() : stop + end.length();
                statement.append(comment ? " " : text.substring(i, next));
                i = next;
            } else if (text.charAt(i) == ';') {
                statements.add(statement.toString());
                statement.setLength(0);
                i++;
            } else {
                statement.append(text.charAt(i++));
            }
        }
        statements.add(statement.toString());
        return statements.stream().map(String::strip).filter(s -> !s.isEmpty()).collect(Collectors.toList());
    }

    private static void print(ResultSet rows, boolean names, StringBuilder out) {
        ColumnDefinitions columns = rows.getColumnDefinitions();
        if (columns.size() == 0) {
            return;
        }
        if (names) {
            for (int i = 0; i < columns.size(); i++) {
                out.append(i == 0 ? "" : ",").append(quoted(columns.getName(i)));
            }
            out.append('\n');
        }
        for (Row row : rows) {
            for (int i = 0; i < columns.size(); i++) {
                out.append(i == 0 ? "" : ",").append(row.isNull(i) ? "" : quoted(text(row, i)));
            }
            out.append('\n');
            if (out.length() > 1 << 16) {
                System.out.print(out);
                out.setLength(0);
            }
        }
    }

    private static String text(Row row, int column) {
        Object value = row.getObject(column);
        if (value instanceof String) {
            return (String) value;
        }
        if (value instanceof Date) {
            return ((Date) value).toInstant().toString();
        }
        return CodecRegistry.DEFAULT_INSTANCE.codecFor(row.getColumnDefinitions().getType(column)).format(value);
    }

    private static String quoted(String text) {
        boolean plain = !text.isEmpty() && text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }

    private static long count(Session session, String name) {
        int dot = name.indexOf('.');
        KeyspaceMetadata keyspace = session.getCluster().getMetadata().getKeyspace(name.substring(0, Math.max(dot, 0)));
        TableMetadata table = keyspace == null ? null : keyspace.getTable(name.substring(dot + 1));
        if (table == null) {
            throw new IllegalArgumentException("there is no table " + name);
        }
        String token = table.getPartitionKey().stream()
                .map(column -> '"' + column.getName() + '"')
                .collect(Collectors.joining(", ", "token(", ")"));
        PreparedStatement select = session.prepare("SELECT count(*) FROM " + name + " WHERE " + token + " >= ? AND " + token + " <= ?");
        ArrayDeque<ResultSetFuture> pending = new ArrayDeque<>();
        // 2^64 tokens in RANGES equal pieces: the last token of each is the next one's first less one.
        long width = Long.divideUnsigned(-1L, RANGES) + 1;
        long sum = 0;
        for (int i = 0; i < RANGES; i++) {
            long first = Long.MIN_VALUE + i * width;
            if (pending.size() == IN_FLIGHT) {
                sum += pending.remove().getUninterruptibly().one().getLong(0);
            }
            pending.add(session.executeAsync(select.bind(first, first + (width - 1))));
        }
        while (!pending.isEmpty()) {
            sum += pending.remove().getUninterruptibly().one().getLong(0);
        }
        return sum;
    }
}
