// The Java client of CometD as a driver of peers; remote.mjs says how it is spoken to.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.cometd.bayeux.BinaryData;
import org.cometd.bayeux.Channel;
import org.cometd.bayeux.Message;
import org.cometd.bayeux.client.ClientSession;
import org.cometd.bayeux.client.ClientSessionChannel;
import org.cometd.client.BayeuxClient;
import org.cometd.client.ext.AckExtension;
import org.cometd.client.ext.BinaryExtension;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.ee10.websocket.jakarta.client.JakartaWebSocketClientContainerProvider;
import org.eclipse.jetty.util.ajax.JSON;
import jakarta.websocket.WebSocketContainer;

public class Driver {
    private static final JSON JSON_TEXT = new JSON();
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    private final Consumer<Map<String, Object>> take;
    private final Map<String, ClientSessionChannel.MessageListener> subscriptions = new ConcurrentHashMap<>();
    private final AtomicBoolean shaken = new AtomicBoolean();
    private HttpClient http;
    private WebSocketContainer sockets;
    private BayeuxClient client;

    private Driver(Consumer<Map<String, Object>> take) {
        this.take = take;
    }

    public static void main(String[] args) throws Exception {
        Map<Object, Driver> drivers = new ConcurrentHashMap<>();
        // A command may wait for its answer for long, and others come meanwhile.
        ExecutorService workers = Executors.newCachedThreadPool();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Map<?, ?> command = (Map<?, ?>) JSON_TEXT.fromJSON(line);
            Object peer = command.get("peer");
            Driver driver = drivers.computeIfAbsent(peer, (key) -> new Driver((event) -> tell(Map.of("peer", peer, "event", event))));
            workers.execute(() -> driver.carryOut(command));
        }
        System.exit(0);
    }

    private static synchronized void tell(Map<String, ?> line) {
        OUT.println(JSON_TEXT.toJSON(line));
        OUT.flush();
    }

    private void carryOut(Map<?, ?> command) {
        Map<String, Object> answer = new HashMap<>();
        answer.put("call", command.get("call"));
        try {
            answer.put("value", asked((String) command.get("do"), (Object[]) command.get("with")));
        } catch (Throwable failure) {
            // Whatever it is, the test is to hear of it.
            answer.put("error", failure.toString());
        }
        tell(answer);
    }

    private Object asked(String what, Object[] with) throws Exception {
        switch (what) {
            case "open" -> open((Map<?, ?>) with[0]);
            case "subscribe" -> replied((done) -> subscribe((String) with[0], done));
            case "unsubscribe" -> replied((done) -> client.getChannel((String) with[0]).unsubscribe(subscriptions.remove(with[0]), done));
            case "publish" -> replied((done) -> client.getChannel((String) with[0]).publish(with[1], done));
            case "call" -> { return replied((done) -> client.remoteCall((String) with[0], with[1], done)).getData(); }
            case "batch" -> batch((Object[]) with[0]);
            case "binary" -> binary((String) with[0], (Object[]) with[1]);
            case "transport" -> { return client.getTransport().getName(); }
            case "close" -> close();
            default -> throw new IllegalArgumentException(what);
        }
        return null;
    }

    private void open(Map<?, ?> options) throws Exception {
        Map<?, ?> headers = (Map<?, ?>) options.get("headers");
        http = new HttpClient();
        http.start();
        client = new BayeuxClient((String) options.get("url"), transport((String) options.get("transport"), headers));
        client.setOption(BayeuxClient.BACKOFF_INCREMENT_OPTION, 100L);
        client.setOption(BayeuxClient.MAX_BACKOFF_OPTION, 500L);
        if (Boolean.TRUE.equals(options.get("ack"))) client.addExtension(new AckExtension());
        client.addExtension(new BinaryExtension());
        client.addExtension(new Wire());
        client.getChannel(Channel.META_CONNECT).addListener(
            (ClientSessionChannel.MessageListener) (channel, reply) -> take.accept(Map.of("connect", reply.isSuccessful())));
        client.getChannel(Channel.META_HANDSHAKE).addListener((ClientSessionChannel.MessageListener) (channel, reply) -> shaken(reply));
        replied((done) -> client.handshake(done));
    }

    private ClientTransport transport(String name, Map<?, ?> headers) {
        if (!name.equals("websocket")) {
            return new JettyHttpClientTransport(null, http) {
                @Override
                protected void customize(Request request) {
                    request.headers((fields) -> headers.forEach((field, value) -> fields.put((String) field, (String) value)));
                }
            };
        }
        sockets = JakartaWebSocketClientContainerProvider.getContainer(http);
        return new WebSocketTransport(null, null, sockets) {
            @Override
            protected void onHandshakeRequest(Map<String, List<String>> fields) {
                super.onHandshakeRequest(fields);
                headers.forEach((field, value) -> fields.put((String) field, List.of((String) value)));
            }
        };
    }

    /** After a second handshake the application subscribes again: the client forgot what it was subscribed to. */
    private void shaken(Message reply) {
        if (!reply.isSuccessful()) return;
        // Who asked for the first handshake may subscribe before this is called.
        if (!shaken.getAndSet(true)) {
            take.accept(Map.of("handshake", reply.getClientId()));
            return;
        }
        List<CompletableFuture<Void>> again = new ArrayList<>();
        for (String channel : subscriptions.keySet()) {
            CompletableFuture<Void> one = new CompletableFuture<>();
            again.add(one);
            subscribe(channel, (answer) -> one.complete(null));
        }
        CompletableFuture.allOf(again.toArray(CompletableFuture[]::new))
            .thenRun(() -> take.accept(Map.of("handshake", reply.getClientId())));
    }

    private void subscribe(String channel, ClientSession.MessageListener done) {
        ClientSessionChannel.MessageListener listener = (name, message) -> take.accept(Map.of("seen", channel, "message", bare(message)));
        subscriptions.put(channel, listener);
        client.getChannel(channel).subscribe(listener, done);
    }

    private void batch(Object[] publications) throws Exception {
        List<CompletableFuture<Message>> replies = new ArrayList<>();
        client.batch(() -> {
            for (Object publication : publications) {
                Object[] pair = (Object[]) publication;
                CompletableFuture<Message> reply = new CompletableFuture<>();
                replies.add(reply);
                client.getChannel((String) pair[0]).publish(pair[1], reply::complete);
            }
        });
        for (CompletableFuture<Message> reply : replies) successful(reply.get());
    }

    private void binary(String channel, Object[] numbers) throws Exception {
        byte[] bytes = new byte[numbers.length];
        for (int n = 0; n < bytes.length; n++) bytes[n] = ((Number) numbers[n]).byteValue();
        BinaryData data = new BinaryData(bytes, true, Map.of("made", "here"));
        replied((done) -> client.getChannel(channel).publish(data, done));
    }

    private void close() throws Exception {
        if (client != null) client.disconnect(2_000);
        if (sockets != null) JakartaWebSocketClientContainerProvider.stop(sockets);
        if (http != null) http.stop();
    }

    private static Message replied(Consumer<ClientSession.MessageListener> ask) throws Exception {
        CompletableFuture<Message> reply = new CompletableFuture<>();
        ask.accept(reply::complete);
        return successful(reply.get(60, TimeUnit.SECONDS));
    }

    private static Message successful(Message reply) {
        if (!reply.isSuccessful()) throw new IllegalStateException(String.valueOf(reply));
        return reply;
    }

    /** What is given on: bytes as a list, which can be sent. */
    private static Map<String, Object> bare(Message message) {
        Object data = message.getData();
        if (data instanceof BinaryData binary) {
            List<Integer> bytes = new ArrayList<>();
            for (byte one : binary.asBytes()) bytes.add(one & 0xFF);
            data = Map.of("bytes", bytes, "last", binary.isLast(), "meta", binary.getMetaData());
        }
        Map<String, Object> bare = new HashMap<>();
        bare.put("channel", message.getChannel());
        bare.put("data", data);
        return bare;
    }

    /** Every event passes it once. An answer to a remote call bears the id of its question, an event bears none. */
    private class Wire implements ClientSession.Extension {
        @Override
        public boolean rcv(ClientSession session, Message.Mutable message) {
            if (message.getId() == null && message.get(Message.SUCCESSFUL_FIELD) == null) take.accept(Map.of("wire", bare(message)));
            return true;
        }
    }
}
